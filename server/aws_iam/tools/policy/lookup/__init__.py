"""`policy lookup`."""
