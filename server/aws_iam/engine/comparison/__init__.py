"""The search for a request that tells two sets of policies apart: its axes, cells and points."""
