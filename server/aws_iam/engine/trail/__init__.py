"""The permissions that CloudTrail events needed: which actions, on which resources, and why not less."""
