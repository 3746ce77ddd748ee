"""MCP: the same use cases for Claude Desktop and other AI clients."""
