"""Tasks that cost nothing but their way through the system: the mock, without latency."""

from __future__ import annotations

from collections.abc import Iterator

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure
from bench.installation import installation
from bench.processes import cpu_s

_GOAL_A_SECOND = 4_000


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Tasks a second from the begin of the insert, in batches of 1,000, to the last row."""
    runs = [_run(kind, effort.noops) for _ in range(effort.runs)]
    yield Figure(
        measure="no-op tasks, insert to terminal", contestant=kind, unit="/s", is_rate=True,
        goal=_GOAL_A_SECOND, values=tuple(rate for rate, _ in runs),
    )  # fmt: skip
    yield Figure(
        measure="CPU per no-op task", contestant=kind, unit="ms",
        values=tuple(cpu_ms for _, cpu_ms in runs),
    )  # fmt: skip


def _run(kind: Kind, count: int) -> tuple[float, float]:
    """Tasks a second, and CPU milliseconds a task of cluster and server together."""
    with installation(kind, 0.0) as running, running.probe("insert") as insert:
        with running.server_cpu() as server:
            before_s = cpu_s(running.processes)
            started_at = insert.ask(count=count, provider="mock", model="mock-1")["started_at"]
            ended_at = running.reader.wait_for_end()
            spent_s = cpu_s(running.processes) - before_s
        spent_s += server.spent_s if server else 0.0
        done = "SELECT count(*) FROM tasks_task WHERE status = 'COMPLETED'"
        completed = running.reader.query(done)[0][0] - 1
        if completed != count:
            raise RuntimeError(f"{completed} of {count} tasks completed")
        return count / (ended_at - started_at), spent_s / count * 1000
