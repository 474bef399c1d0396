"""Texts that configure what runs: scripts, documents, arguments. Secrets in them are told by name and shape only."""
