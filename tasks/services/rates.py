"""Counting events in a window of time, in Django's cache: shared by all web processes on Redis."""

from __future__ import annotations

import hashlib
import time

from django.core.cache import cache


def count_event(name: str, window_s: int, *, amount: int = 1) -> tuple[int, float]:
    """How many events `name` has had in the present window, and the seconds until it ends.

    amount: 0 only looks. Windows are fixed and one increment is atomic, so simultaneous events are
    all counted. While Redis is away each process counts alone (`taskrunner/cache.py`).
    """
    now = time.time()
    left_s = window_s - now % window_s
    key = f"rate:{_digest(name)}:{int(now // window_s)}"
    try:
        if not amount:
            return int(cache.get(key, 0)), left_s
        return _increment(key, amount, window_s + 5), left_s
    except ValueError:  # it was evicted between two steps
        return amount, left_s


def _increment(key: str, amount: int, kept_s: int) -> int:
    """One step for all but the first of a window; of several firsts at once only one makes it."""
    try:
        return cache.incr(key, amount)
    except ValueError:
        cache.add(key, 0, timeout=kept_s)
        return cache.incr(key, amount)


def forget_events(name: str, window_s: int) -> None:
    """Count `name` from zero again."""
    cache.delete(f"rate:{_digest(name)}:{int(time.time() // window_s)}")


def _digest(name: str) -> str:
    """Names hold what people typed; a cache key may not."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
