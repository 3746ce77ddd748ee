"""Tasks that cost nothing but their way through the system: the mock, without latency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import installation
from bench.processes import cpu_s

_GOAL_A_SECOND = 4_000
_BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Noops:
    """Tasks a second, from the begin of the insert; CPU milliseconds a task of cluster and server
    together."""

    rate: float
    cpu_ms: float


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """From the begin of an insert in batches of 1,000, which workers overtake, to the last row."""
    runs = [_run(kind, effort.noops, _BATCH) for _ in range(effort.runs)]
    yield Figure(
        measure="no-op tasks, insert to terminal", contestant=kind, unit="/s", is_rate=True,
        goal=_GOAL_A_SECOND, values=tuple(run.rate for run in runs),
    )  # fmt: skip
    yield Figure(
        measure="CPU per no-op task", contestant=kind, unit="ms",
        values=tuple(run.cpu_ms for run in runs),
    )  # fmt: skip


def _run(kind: Kind, count: int, chunk: int) -> Noops:
    with installation(kind, 0.0) as running, running.probe("insert") as insert:
        with running.server_cpu() as server:
            before_s = cpu_s(running.processes)
            told = insert.ask(count=count, chunk=chunk, provider="mock", model="mock-1")
            ended_at = running.reader.wait_for_end()
            spent_s = cpu_s(running.processes) - before_s
        spent_s += server.spent_s if server else 0.0
        done = "SELECT count(*) FROM tasks_task WHERE status = 'COMPLETED'"
        completed = running.reader.query(done)[0][0] - 1
        if completed != count:
            raise RuntimeError(f"{completed} of {count} tasks completed")
        return Noops(
            rate=count / (ended_at - told["started_at"]),
            cpu_ms=spent_s / count * 1000,
        )
