"""The use cases: one function per action, gathered into the five tools."""
