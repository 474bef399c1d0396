"""KMS keys and what belongs to them."""
