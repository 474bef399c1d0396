"""The tool `kms`: keys and key policies."""
