"""From a profile, a role or the environment to a session that can only read."""
