"""System checks with ids: what Django refuses to start with, and the way out."""
