"""Answers as text: one file per output format."""
