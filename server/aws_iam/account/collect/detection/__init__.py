"""The AWS services that look for weaknesses."""
