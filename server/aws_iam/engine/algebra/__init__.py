"""Statements, conditions and texts as sets: is one inside another, do they overlap."""
