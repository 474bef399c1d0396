"""Reasoning over key policies: who administers a key, and whether a policy locks everyone out."""
