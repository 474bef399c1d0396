"""Rules on condition operators, keys and values."""
