"""Rules on principals: who is let in."""
