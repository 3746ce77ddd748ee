"""The REST door: parses, calls one service, renders. docs/api.md tells of its paths."""
