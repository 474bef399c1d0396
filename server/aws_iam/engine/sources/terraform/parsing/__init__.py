"""Terraform's texts as syntax: files, templates, JSON."""
