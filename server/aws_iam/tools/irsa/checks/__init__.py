"""What `irsa check` judges."""
