"""The five tools, and what they share."""
