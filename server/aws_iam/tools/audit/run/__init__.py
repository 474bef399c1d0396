"""`audit run` and `audit report` on one account."""
