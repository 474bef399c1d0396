"""`audit access`: who can become whom, over any number of steps, and what a principal can do."""
