"""Where the milliseconds go: one run's tasks followed through cluster, provider and table."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import ClassVar

from bench.figure import percentile
from bench.installation import Installation
from bench.reader import seconds

_TIMES = "SELECT prompt, started_at, finished_at FROM tasks_task WHERE id > 1"


@dataclass(frozen=True, kw_only=True)
class Segments:
    """Milliseconds. The first load's wait for its lease; then medians and the slowest twentieth
    of what a task spends beside the provider's second."""

    commit_to_first_lease: float
    commit_to_256th_lease: float
    lease_to_sent_p50: float
    lease_to_sent_p95: float
    answer_to_row_p50: float
    answer_to_row_p95: float

    NAMES: ClassVar = (
        "commit to first lease", "commit to 256th lease", "lease to sent p50",
        "lease to sent p95", "answer to row p50", "answer to row p95",
    )  # fmt: skip


def segments_of(running: Installation, committed_at: float) -> Segments:
    """From the rows' own times and the provider's log, all put on CLOCK_MONOTONIC."""
    offset_s = time.time() - time.monotonic()
    leased, finished = {}, {}
    for prompt, started, ended in running.reader.query(_TIMES):
        leased[prompt] = seconds(started) - offset_s
        finished[prompt] = seconds(ended) - offset_s
    requests = running.provider.log()["requests"]
    to_sent = [one["received_at"] - leased[one["prompt"]] for one in requests]
    to_row = [finished[one["prompt"]] - one["ended_at"] for one in requests]
    leases = sorted(leased.values())
    return Segments(
        commit_to_first_lease=(leases[0] - committed_at) * 1000,
        commit_to_256th_lease=(leases[min(255, len(leases) - 1)] - committed_at) * 1000,
        lease_to_sent_p50=statistics.median(to_sent) * 1000,
        lease_to_sent_p95=percentile(to_sent, 0.95) * 1000,
        answer_to_row_p50=statistics.median(to_row) * 1000,
        answer_to_row_p95=percentile(to_row, 0.95) * 1000,
    )
