"""`policy generate` and `policy template`."""
