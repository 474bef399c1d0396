"""`policy validate`."""
