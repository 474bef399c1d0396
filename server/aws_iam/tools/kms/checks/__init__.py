"""What `kms check` judges."""
