"""Names of IAM actions, formats of ids, and what is sensitive in answers."""
