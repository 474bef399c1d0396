"""The tool `irsa`: workload identity."""
