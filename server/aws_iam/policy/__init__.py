"""Moving out."""
