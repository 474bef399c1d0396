"""The allowlist of read-only calls, and the IAM policy that permits them."""
