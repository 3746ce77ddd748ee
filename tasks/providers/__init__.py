"""Clients of the LLM vendors: one call in, one completion or typed error out. No Django."""
