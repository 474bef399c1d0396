"""`policy evaluate` and `policy compare`."""
