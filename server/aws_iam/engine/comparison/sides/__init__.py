"""The two sides of a comparison: which policies stand on each, what belongs together, and which changes no search covers."""
