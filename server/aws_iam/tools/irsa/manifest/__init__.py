"""`irsa manifest`: the files that make a workload use its role."""
