"""The organization that the account is in."""
