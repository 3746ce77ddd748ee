"""Reads pages of the API's list as a program does, and says how long each took."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.cache import cache as shared  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.api.cursors import OPTIONAL, Ordering, Place  # noqa: E402
from tasks.services.api_keys import create_api_key  # noqa: E402
from tasks.vocabulary import Scope  # noqa: E402

_PATH = "/api/tasks/"
_LAST = {True: datetime(1, 1, 2, tzinfo=UTC), False: datetime(9999, 1, 1, tzinfo=UTC)}


def answer(
    user: str, query: str = "", looks: int = 0, is_staff: bool | None = None, explain: bool = False
) -> Any:
    """What `looks` at a page took; without any, the queries of the first page, the second, the
    last, and the one that is found from the end. is_staff: make the user so, and no more."""
    if is_staff is not None:
        return get_user_model().objects.filter(username=user).update(is_staff=is_staff)
    if explain:
        return _statements(user, query)
    return _took(user, query, looks) if looks else _pages(user, query)


def _took(user: str, query: str, looks: int) -> dict[str, float]:
    """Medians, in milliseconds: by the clock, and of CPU, the database server's own included."""
    clock, cpu = [], []
    for _ in range(looks):
        began, used = time.perf_counter(), _cpu_s()
        rows = _get(user, query)["results"]
        clock.append(time.perf_counter() - began)
        cpu.append(_cpu_s() - used)
    return {
        "ms": statistics.median(clock) * 1000,
        "cpu_ms": statistics.median(cpu) * 1000,
        "rows": len(rows),
    }


def _pages(user: str, query: str) -> list[str]:
    first = _get(user, query)
    _, _, name = query.rpartition("ordering=")
    ordering = Ordering.parse(name)
    end = f"{query}&cursor={_end_of(ordering).encode(ordering)}"
    found = [query, end]
    if first["next"]:
        found.append(urlsplit(first["next"]).query)
        if before := _get(user, end)["results"]:
            found.append(f"{query}&cursor={_place_of(before[0], ordering).encode(ordering)}")
    return found


def _end_of(ordering: Ordering) -> Place:
    """Behind the last task of all, looking back."""
    value: Any = None
    if ordering.field == "priority":
        value = 0 if ordering.is_descending else 99
    elif ordering.field not in OPTIONAL | {"id"}:
        value = _LAST[ordering.is_descending]
    return Place(value=value, pk=0 if ordering.is_descending else 2**63 - 1, is_backward=True)


def _place_of(row: dict[str, Any], ordering: Ordering) -> Place:
    value = None if ordering.field == "id" else row[ordering.field]
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return Place(value=value, pk=row["id"], is_backward=False)


def _get(user: str, query: str) -> Any:
    shared.clear()  # throttles count there
    response = _client_of(user).get(f"{_PATH}?{query}")
    if response.status_code != 200:
        raise RuntimeError(f"{query}: {response.status_code} {response.content[:500]!r}")
    return response.json()


@cache
def _client_of(name: str) -> Client:
    user, _ = get_user_model().objects.get_or_create(username=name)
    _, key = create_api_key(user, name="bench", scope=Scope.READ)
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {key}"})


def _cpu_s() -> float:
    """CPU seconds so far, of this process and of the database's that serves it."""
    used = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        pid = connection.connection.info.backend_pid
        used += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return used


def _statements(user: str, query: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        _get(user, query)
    return [f"{one['time']} s: {one['sql']}" for one in captured.captured_queries]


if __name__ == "__main__":
    serve(answer)
