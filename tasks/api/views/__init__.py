"""The views. Each method calls one service."""
