"""Policies repaired: the smallest edit after which every request is decided as asked, and nothing else changes."""
