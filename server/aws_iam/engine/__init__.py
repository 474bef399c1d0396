"""The policy engine: pure reasoning over documents, without AWS and without a network."""
