"""Policies as values and the reasoning over them: pure, offline, no AWS SDK."""
