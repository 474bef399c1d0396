"""JSON and YAML texts as nodes with their places, and what is wrong in texts that are none."""
