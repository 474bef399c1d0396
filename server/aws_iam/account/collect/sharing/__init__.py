"""What other accounts may use."""
