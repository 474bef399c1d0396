"""`policy review`: what a change to code does to access."""
