"""How machines and services are reached."""
