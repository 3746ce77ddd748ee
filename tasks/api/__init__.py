"""The REST door: parses, calls one service, renders. CONTRACT section 4 names its paths."""
