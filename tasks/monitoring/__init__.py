"""What machines ask about this installation: is it ready, and how much is there of what."""
