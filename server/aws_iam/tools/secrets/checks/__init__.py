"""What `secrets check` judges."""
