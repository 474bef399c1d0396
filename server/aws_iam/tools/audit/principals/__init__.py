"""`audit principals`: who is or can become an administrator."""
