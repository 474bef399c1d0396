"""What runs code, and the roles and variables that it has."""
