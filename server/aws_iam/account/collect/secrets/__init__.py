"""Where secrets are kept: metadata and names, never a value."""
