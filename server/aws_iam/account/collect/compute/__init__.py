"""What runs code: instances, functions, containers, EKS clusters."""
