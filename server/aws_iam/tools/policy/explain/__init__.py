"""`policy explain`."""
