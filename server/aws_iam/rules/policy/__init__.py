"""The rules on policy documents."""
