"""`policy shrink`."""
