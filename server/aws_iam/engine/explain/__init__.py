"""Statements as plain sentences: who may or may not do what, on what, and when."""
