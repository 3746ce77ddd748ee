"""What a cluster costs that has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import Installation, installation
from bench.processes import cpu_s

_GOAL_PERCENT = 2.0
_SETTLE_S = 8.0  # the first round of chores, which compiles their statements, is over


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Percent of one core, cluster and server together."""
    yield Figure(
        measure="idle CPU", contestant=kind, unit="% of a core", goal=_GOAL_PERCENT,
        values=tuple(_runs(kind, effort)),
    )  # fmt: skip


def _runs(kind: Kind, effort: Effort) -> Iterator[float]:
    """One after another on one cluster: nothing happens that the next could inherit."""
    with installation(kind, 0.0) as running:
        time.sleep(_SETTLE_S)
        for _ in range(effort.runs):
            yield _watch(running, effort.idle_s)


def _watch(running: Installation, watch_s: float) -> float:
    with running.server_cpu() as server:
        before_s, began_at = cpu_s(running.processes), time.monotonic()
        time.sleep(watch_s)
        spent_s = cpu_s(running.processes) - before_s
        watched_s = time.monotonic() - began_at
    spent_s += server.spent_s if server else 0.0
    return spent_s / watched_s * 100
