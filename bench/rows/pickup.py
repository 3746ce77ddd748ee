"""Idle pickup: a single submit while nothing runs, until its call has reached the provider."""

from __future__ import annotations

from collections.abc import Iterator

from bench.databases import Kind
from bench.effort import Effort
from bench.figure import Figure, percentile
from bench.installation import installation

_P50_GOAL_MS, _P99_GOAL_MS = 15.0, 50.0


def measure(kind: Kind, effort: Effort) -> Iterator[Figure]:
    """Milliseconds from the submit's commit to the request's arrival."""
    runs = [_run(kind, effort.pickups) for _ in range(effort.runs)]
    for share, goal_ms in ((0.5, _P50_GOAL_MS), (0.99, _P99_GOAL_MS)):
        yield Figure(
            measure=f"idle pickup p{share * 100:.0f}", contestant=kind, unit="ms", goal=goal_ms,
            values=tuple(percentile(run, share) for run in runs),
        )  # fmt: skip


def _run(kind: Kind, count: int) -> list[float]:
    with installation(kind, 0.0) as running:
        with running.probe("pickup") as pickup:
            committed = pickup.ask(count=count)
        running.reader.wait_for_end()
        requests = running.provider.log()["requests"]
        arrived = {one["prompt"]: one["received_at"] for one in requests}
        return [(arrived[prompt] - at) * 1000 for prompt, at in committed.items()]
