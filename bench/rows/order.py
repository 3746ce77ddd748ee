"""Strict order under load: does anything start while something more urgent waits?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import installation
from bench.reader import seconds

PRIORITIES = 20
_PROCESSES = 4
_LATENCY_S = 0.05
_CHUNK = 100
# Two claims at the same instant: each holds what the other has not seen yet.
_AT_ONCE_S = 0.1
_TIMES = "SELECT priority, created_at, started_at FROM tasks_task WHERE id > 1"


@dataclass(frozen=True, kw_only=True)
class Start:
    """One task by the log: seconds since the epoch, by the database's clock."""

    priority: int
    created: float
    started: float


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Tasks that were overtaken: one with a lower number was claimed, by any of four processes,
    a tenth of a second or more after they were due and before they were claimed themselves."""
    runs = [_run(kind, effort.ordered) for _ in range(effort.runs)]
    waits = sorted(max(one.started - one.created for one in starts) for starts in runs)
    yield Figure(
        measure="20 priorities × 4 processes: overtaken", contestant=kind, unit="tasks", goal=0,
        values=tuple(float(overtaken(starts)) for starts in runs),
        note=f"of {effort.ordered:,} tasks, the longest wait {waits[len(waits) // 2]:.1f} s",
    )  # fmt: skip


def overtaken(starts: list[Start]) -> int:
    """How many waited while a less urgent one was claimed."""
    found = 0
    least: list[tuple[float, int]] = sorted((one.started, one.priority) for one in starts)
    for task in starts:
        since, until = task.created + _AT_ONCE_S, task.started - _AT_ONCE_S
        found += any(since < moment < until and rank < task.priority for moment, rank in least)
    return found


def _run(kind: Kind, count: int) -> list[Start]:
    with installation(kind, _LATENCY_S, TASKRUNNER_WORKERS=str(_PROCESSES)) as running:
        with running.probe("insert") as insert:
            insert.ask(count=count, chunk=_CHUNK, priorities=PRIORITIES)
            running.reader.wait_for_end()
        holders = running.reader.query("SELECT count(DISTINCT worker) FROM tasks_attempt")
        if holders[0][0] != _PROCESSES:
            raise RuntimeError(f"{holders[0][0]} of {_PROCESSES} processes took part")
        rows = running.reader.query(_TIMES)
    return [Start(priority=p, created=seconds(c), started=seconds(s)) for p, c, s in rows]
