"""Looks at the stats and at the admin's pages as an operator does, and says how long each took."""

from __future__ import annotations

import time
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.stats import StatsRange, take_snapshot  # noqa: E402

_clients: dict[str, Client] = {}


def answer(path: str = "", stats: str = "", user: str = "admin", explain: bool = False) -> Any:
    """Milliseconds for the figures of a range, or for a page; with `explain` its slow queries."""
    if explain:
        return _queries(path)
    return _figures_ms(user, stats) if stats else _page_ms(user, path)


def _figures_ms(name: str, word: str) -> float:
    user = get_user_model().objects.get(username=name)
    before = time.perf_counter()
    take_snapshot(user, StatsRange(word))
    return (time.perf_counter() - before) * 1000


def _page_ms(name: str, path: str) -> float:
    if name not in _clients:
        _clients[name] = Client(SERVER_NAME="localhost")
        _clients[name].force_login(get_user_model().objects.get(username=name))
    cache.clear()
    before = time.perf_counter()
    response = _clients[name].get(path)
    if response.status_code not in (200, 302):  # beyond the last page it leads back
        raise RuntimeError(f"{path} gave {response.status_code}")
    return (time.perf_counter() - before) * 1000


def _queries(path: str) -> list[str]:
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as captured:
        _page_ms("admin", path)
    return [
        f"{query['time']} s: {query['sql'][:1500]}"
        for query in captured.captured_queries
        if float(query["time"]) > 0.03
    ]


if __name__ == "__main__":
    serve(answer)
