"""Statements, conditions and texts as sets: is one inside another, can they meet."""
