"""The tool `policy`: IAM policies, offline."""
