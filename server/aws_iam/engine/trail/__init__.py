"""From CloudTrail events to the permissions that they needed: which actions, on which resources, and why not less."""
