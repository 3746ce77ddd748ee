"""Counting events in a window of time, in Django's cache: shared by all web processes on Redis."""

from __future__ import annotations

import hashlib
import time

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def count_event(name: str, window_s: int, *, amount: int = 1) -> tuple[int, float]:
    """How many events `name` has had in the present window, and the seconds until it ends.

    amount: 0 only looks. Windows are fixed and one increment is atomic, so simultaneous events are
    all counted. While the cache is away nothing is counted: a limit must not become an outage.
    """
    now = time.time()
    left_s = window_s - now % window_s
    key = f"rate:{_digest(name)}:{int(now // window_s)}"
    try:
        if not amount:
            return int(cache.get(key, 0)), left_s
        cache.add(key, 0, timeout=window_s + 5)
        return cache.incr(key, amount), left_s
    except ValueError:  # it was evicted between the two steps
        return amount, left_s
    except RedisError as fault:
        log.warning("rate_not_counted", reason=type(fault).__name__)
        return 0, left_s


def forget_events(name: str, window_s: int) -> None:
    """Count `name` from zero again."""
    try:
        cache.delete(f"rate:{_digest(name)}:{int(time.time() // window_s)}")
    except RedisError as fault:
        log.warning("rate_not_counted", reason=type(fault).__name__)


def _digest(name: str) -> str:
    """Names hold what people typed; a cache key may not."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
