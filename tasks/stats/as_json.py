"""A snapshot as plain JSON: the body of `GET /api/stats/`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tasks.stats.lanes import LaneFigures
from tasks.stats.samples import QueuePoint
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
        "saved_usd": plain(snapshot.saved_usd),
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
        "models": [
            asdict(figures) | {"cost_usd": plain(figures.cost_usd)} for figures in snapshot.models
        ],
        "templates": [
            asdict(figures) | {"cost_usd": plain(figures.cost_usd)}
            for figures in snapshot.templates
        ],
        "errors": [asdict(figures) for figures in snapshot.errors],
        "recent_failures": [
            asdict(failure)
            | {"finished_at": failure.finished_at and failure.finished_at.isoformat()}
            for failure in snapshot.recent_failures
        ],
        "workers": None if workers is None else [asdict(worker) for worker in workers],
        "breakers": None if snapshot.lanes is None else [_lane(lane) for lane in snapshot.lanes],
        "alerts": None
        if snapshot.alerts is None
        else [
            asdict(alert)
            | {
                "since": alert.since and alert.since.isoformat(),
                "better_since": alert.better_since and alert.better_since.isoformat(),
            }
            for alert in snapshot.alerts
        ],
        "queue": None if snapshot.queue is None else [_point(point) for point in snapshot.queue],
        "capacity": snapshot.capacity,
        "live_workers": snapshot.live_workers,
    }


def _lane(lane: LaneFigures) -> dict[str, Any]:
    return asdict(lane) | {
        "until": lane.until and lane.until.isoformat(),
        "next_probe": lane.next_probe and lane.next_probe.isoformat(),
    }


def _point(point: QueuePoint) -> dict[str, Any]:
    return {
        "start": point.start.isoformat(),
        "depth": point.depth,
        "oldest_pending_seconds": point.oldest_s,
    }
