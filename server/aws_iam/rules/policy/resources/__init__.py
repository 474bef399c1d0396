"""Rules on resource ARNs."""
