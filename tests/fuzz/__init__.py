"""Feeds spoilt input to every reader, for as long as one likes."""
