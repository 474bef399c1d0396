"""`audit run` and `audit report` on many accounts."""
