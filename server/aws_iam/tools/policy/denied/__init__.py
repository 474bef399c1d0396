"""`policy denied`."""
