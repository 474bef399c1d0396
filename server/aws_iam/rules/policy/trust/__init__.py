"""Rules on the trust policies of roles."""
