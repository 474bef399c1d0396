"""The policy language: documents as typed values, ARNs, patterns, operators."""
