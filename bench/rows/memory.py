"""Memory while every slot is busy."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import SLOTS, Installation, installation
from bench.processes import pss_mb

_GOAL_MB = 140.0
_LATENCY_S = 3.0
_LOOKS = 5


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """PSS of the whole cluster with 256 calls in flight, after one full load before."""
    runs = [_run(kind) for _ in range(effort.runs)]
    yield Figure(
        measure="memory, 256 slots busy", contestant=kind, unit="MB", goal=_GOAL_MB,
        values=tuple(total for total, _ in runs),
        note=f"workers alone {sorted(workers for _, workers in runs)[len(runs) // 2]:.0f}",
    )  # fmt: skip


def _run(kind: Kind) -> tuple[float, float]:
    """The most that was seen: of the cluster, and of its workers alone."""
    with installation(kind, _LATENCY_S) as running, running.probe("insert") as insert:
        insert.ask(count=2 * SLOTS, chunk=2 * SLOTS)
        _wait_until_busy(running, 2 * SLOTS)
        totals, workers = [], []
        for _ in range(_LOOKS):
            totals.append(pss_mb(running.processes))
            workers.append(pss_mb(running.workers))
            time.sleep(0.1)
        running.reader.wait_for_end()
        return max(totals), max(workers)


def _wait_until_busy(running: Installation, calls: int) -> None:
    """The second load is under way in full: buffers and connections are as large as they get."""
    deadline = time.monotonic() + 30
    while True:
        counts = running.provider.counts()
        if counts["count"] >= calls and counts["in_flight"] >= SLOTS:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{counts['in_flight']} calls in flight, {counts['count']} in all")
        time.sleep(0.05)
