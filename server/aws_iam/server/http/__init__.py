"""The MCP server over HTTP: on loopback for one person, or for many as an OAuth resource server."""
