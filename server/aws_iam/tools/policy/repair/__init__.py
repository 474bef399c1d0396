"""`policy repair`."""
