"""The identity providers whose tokens a role can trust."""
