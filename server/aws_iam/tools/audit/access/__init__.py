"""`audit access`: who can do what in the accounts that were read, and who can become whom."""
