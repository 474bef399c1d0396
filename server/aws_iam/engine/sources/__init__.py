"""Policies found and read in whatever was given: JSON and YAML with places, files, templates, answers of AWS."""
