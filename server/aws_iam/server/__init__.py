"""The MCP server: the tools over stdio and HTTP."""
