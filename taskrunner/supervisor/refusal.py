"""What ends a start before it began: one clear line, exit 2."""

from __future__ import annotations


class StartRefused(Exception):
    """Nothing was started. The message says what is in the way and what to do about it."""
