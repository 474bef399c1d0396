"""Secrets in plaintext in code: Terraform, templates, manifests."""
