"""Where policies are found: JSON and YAML with places, files, templates, manifests, answers of AWS."""
