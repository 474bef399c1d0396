"""What SAM makes of its own resources, properties and events."""
