"""A snapshot as plain JSON: the body of `GET /api/stats/`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tasks.stats.snapshot import Snapshot
from tasks.stats.wording import plain


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    """Money as strings (null never stands for 0), times in ISO 8601, durations in seconds."""
    workers = snapshot.workers
    return {
        "range": snapshot.range.value,
        "generated_at": snapshot.generated_at.isoformat(),
        "counts": {status.value: count for status, count in snapshot.counts.items()},
        "total": snapshot.total,
        "due": snapshot.due,
        "waiting": dict(snapshot.waiting),
        "oldest_pending_seconds": snapshot.oldest_pending_s,
        "finished": {status.value: count for status, count in snapshot.finished.items()},
        "failed_percent": snapshot.failed_percent,
        "mock_answers": snapshot.mock_answers,
        "cost_usd": plain(snapshot.cost_usd),
        "cost_today_usd": plain(snapshot.cost_today_usd),
        "throughput": [
            {
                "start": point.start.isoformat(),
                "completed": point.completed,
                "failed": point.failed,
                "cancelled": point.cancelled,
                "mock": point.mock,
            }
            for point in snapshot.series
        ],
        "bucket_seconds": snapshot.range.bucket_s,
        "providers": [
            asdict(figures) | {"cost_usd": plain(figures.cost_usd)}
            for figures in snapshot.providers
        ],
        "errors": [asdict(figures) for figures in snapshot.errors],
        "recent_failures": [
            asdict(failure)
            | {"finished_at": failure.finished_at and failure.finished_at.isoformat()}
            for failure in snapshot.recent_failures
        ],
        "workers": None if workers is None else [asdict(worker) for worker in workers],
        "capacity": snapshot.capacity,
        "live_workers": snapshot.live_workers,
    }
