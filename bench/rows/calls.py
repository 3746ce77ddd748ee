"""Many slow calls: tasks whose provider takes one second, through 256 slots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import SLOTS, Installation, installation
from bench.processes import cpu_s
from bench.rows.segments import Segments, segments_of

LATENCY_S = 1.0
_CPU_GOAL_MS = 3.0


@dataclass(frozen=True, kw_only=True)
class Calls:
    """wall_s: from the commit to the last row seen. CPU in milliseconds a call."""

    wall_s: float
    worker_cpu_ms: float
    server_cpu_ms: float
    segments: Segments | None


def measure_few(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """The row that shows the start: two full loads of all slots."""
    results = [run_calls(kind, effort.few_calls, is_followed=True) for _ in range(effort.runs)]
    yield from _figures(kind, effort.few_calls, 1.25, results)
    followed = [result.segments for result in results if result.segments]
    for name in Segments.NAMES:
        yield Figure(
            measure=f"in it: {name}", contestant=kind, unit="ms",
            values=tuple(getattr(one, name.replace(" ", "_")) for one in followed),
        )  # fmt: skip


def measure_many(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """The row that shows the long run: every slot filled again as it falls free."""
    results = [run_calls(kind, effort.many_calls, is_followed=False) for _ in range(effort.runs)]
    yield from _figures(kind, effort.many_calls, 1.15, results)


def ideal_s(count: int, slots: int) -> float:
    """Full loads of all slots, one after another."""
    return -(-count // slots) * LATENCY_S


def run_calls(kind: Kind, count: int, *, is_followed: bool = False, **settings: str) -> Calls:
    """One run on a fresh installation. is_followed: tell the segments of the time, too."""
    with installation(kind, LATENCY_S, **settings) as running, running.probe("insert") as insert:
        with running.server_cpu() as server:
            before_s = cpu_s(running.processes)
            committed_at = insert.ask(count=count, chunk=count)["committed_at"]
            time.sleep(ideal_s(count, SLOTS) * 0.9)  # nobody can be done yet: do not disturb
            ended_at = running.reader.wait_for_end()
            worker_s = cpu_s(running.processes) - before_s
        _require_one_call_each(running, count)
        return Calls(
            wall_s=ended_at - committed_at,
            worker_cpu_ms=worker_s / count * 1000,
            server_cpu_ms=server.spent_s / count * 1000 if server else 0.0,
            segments=segments_of(running, committed_at) if is_followed else None,
        )


def _require_one_call_each(running: Installation, count: int) -> None:
    """A fast run that lost or doubled something is no result."""
    rows = running.reader.query("SELECT count(*) FROM tasks_task WHERE status = 'COMPLETED'")
    calls = running.provider.count()
    if rows[0][0] != count + 1 or calls != count:
        raise RuntimeError(f"{rows[0][0] - 1} of {count} tasks completed with {calls} calls")


def _figures(kind: Kind, count: int, ratio: float, results: list[Calls]) -> Iterator[Figure]:
    ideal = ideal_s(count, SLOTS)
    yield Figure(
        measure=f"{count:,} × 1.0 s", contestant=kind, unit="s", ideal=ideal, goal=ratio * ideal,
        values=tuple(result.wall_s for result in results),
    )  # fmt: skip
    yield Figure(
        measure=f"CPU per call of {count:,}", contestant=kind, unit="ms", goal=_CPU_GOAL_MS,
        values=tuple(result.worker_cpu_ms + result.server_cpu_ms for result in results),
        note=_shares(results),
    )  # fmt: skip


def _shares(results: list[Calls]) -> str:
    middle = sorted(results, key=lambda one: one.worker_cpu_ms)[len(results) // 2]
    if not middle.server_cpu_ms:
        return "all of it in the cluster"
    return f"{middle.worker_cpu_ms:.2f} in the cluster, {middle.server_cpu_ms:.2f} in the server"
