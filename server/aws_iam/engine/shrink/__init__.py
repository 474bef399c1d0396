"""Writing a policy in fewer characters, in one document or several that fit, without changing what it allows."""
