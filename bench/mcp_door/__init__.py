"""MCP beside a server that does nothing more than the SDK and one SELECT."""
