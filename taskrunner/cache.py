"""Redis as the cache, and this process's memory while Redis is away: throttles and figures go on.

The outage and its end are logged once each; while it lasts Redis is asked again every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_ASK_AGAIN_S = 5.0


def _guarded(name: str) -> Callable[..., Any]:
    def call(cache: FallbackRedisCache, *args: Any, **kwargs: Any) -> Any:
        return cache.ask(name, *args, **kwargs)

    call.__name__ = name
    return call


class FallbackRedisCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._local = LocMemCache("fallback", {})
        self._away_until = 0.0

    def ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What Redis answers; without it, what this process remembers."""
        if time.monotonic() >= self._away_until:
            try:
                answer = getattr(super(), name)(*args, **kwargs)
            except (RedisError, OSError) as error:
                if not self._away_until:
                    log.warning("redis is away, memory stands in", error=type(error).__name__)
                self._away_until = time.monotonic() + _ASK_AGAIN_S
            else:
                if self._away_until:
                    log.info("redis is back")
                self._away_until = 0.0
                return answer
        return getattr(self._local, name)(*args, **kwargs)

    add = _guarded("add")
    get = _guarded("get")
    set = _guarded("set")
    touch = _guarded("touch")
    delete = _guarded("delete")
    get_many = _guarded("get_many")
    has_key = _guarded("has_key")
    incr = _guarded("incr")
    set_many = _guarded("set_many")
    delete_many = _guarded("delete_many")
    clear = _guarded("clear")
