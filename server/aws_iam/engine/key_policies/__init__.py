"""Key policies of KMS: which statements count, whose the key is, and who can administer it."""
