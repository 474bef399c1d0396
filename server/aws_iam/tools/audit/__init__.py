"""The tool `audit`: a CIS audit of an account, read-only."""
