"""A snapshot as the stats page shows it: numbers in words, rows with their links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from tasks.conf import get_conf
from tasks.pages.chart import KINDS, draw_ages, draw_chart, draw_depth
from tasks.pages.tiles import build_tiles, tasks_page
from tasks.stats import Snapshot, StatsRange
from tasks.stats.lanes import LaneFigures
from tasks.stats.providers import ModelFigures, ProviderFigures
from tasks.stats.wording import dollars, duration, lane_words


def build_figures(snapshot: Snapshot, user: Any) -> dict[str, Any]:
    """The context of the live part of the page."""
    has_links = user.is_staff and user.has_perm("tasks.view_task")
    return {
        "snapshot": snapshot,
        "tiles": build_tiles(snapshot, has_links=has_links),
        "has_links": has_links,
        "statuses": [
            {
                "name": status.value,
                "count": count,
                "href": tasks_page(status__exact=status.value) if has_links else "",
            }
            for status, count in snapshot.counts.items()
        ],
        "chart": draw_chart(snapshot.series, snapshot.range),
        "kinds": KINDS,
        "queue": None if snapshot.queue is None else _queue(snapshot),
        "lanes": None
        if snapshot.lanes is None
        else [_lane_row(lane, snapshot.generated_at) for lane in snapshot.lanes],
        "providers_page": reverse("admin:tasks_providerstate_changelist")
        if user.has_perm("tasks.view_providerstate")
        else "",
        "models": [_model_row(row) for row in snapshot.models],
        "providers": [
            _provider_row(row, snapshot.range, has_links=has_links) for row in snapshot.providers
        ],
        "errors": [
            {"row": row, "href": _errors_page(row.code, snapshot.range) if has_links else ""}
            for row in snapshot.errors
        ],
        "failures": [
            {
                "row": failure,
                "href": reverse("admin:tasks_task_change", args=[failure.id])
                if has_links
                else ""
                if user.is_staff
                else reverse("task-page", args=[failure.id]),
            }
            for failure in snapshot.recent_failures
        ],
        "workers": None
        if snapshot.workers is None
        else [{"row": worker, "heard": _ago(worker.beat_age_s)} for worker in snapshot.workers],
        "is_mock_standing_in": get_conf().is_mock_standing_in,
    }


def _queue(snapshot: Snapshot) -> dict[str, Any]:
    points = snapshot.queue or ()
    return {
        "depth": draw_depth(points, snapshot.range),
        "ages": draw_ages(points, snapshot.range),
        "rows": [{"point": point, "oldest": duration(point.oldest_s)} for point in points],
        "is_empty": all(point.depth is None for point in points),
    }


def _lane_row(lane: LaneFigures, now: datetime) -> dict[str, Any]:
    wait_s = None if lane.next_probe is None else (lane.next_probe - now).total_seconds()
    return {
        "row": lane,
        "words": lane_words(lane),
        "probe": "" if wait_s is None else "at once" if wait_s <= 0 else f"in {duration(wait_s)}",
    }


def _model_row(row: ModelFigures) -> dict[str, Any]:
    tokens = f"{row.prompt_tokens:,} / {row.completion_tokens:,}"
    return {"row": row, "tokens": tokens, "cost": dollars(row.cost_usd)}


def _provider_row(
    row: ProviderFigures, look_back: StatsRange, *, has_links: bool
) -> dict[str, Any]:
    served = {"served": row.provider, "finished": look_back.value}
    success = "–" if row.success_percent is None or row.is_mock else f"{row.success_percent:g} %"
    return {
        "row": row,
        "completed_href": tasks_page(status__exact="COMPLETED", **served) if has_links else "",
        "success": success,
        "wait": f"{duration(row.wait_p50_s)} / {duration(row.wait_p95_s)}",
        "run": f"{duration(row.run_p50_s)} / {duration(row.run_p95_s)}",
        "tokens": f"{row.prompt_tokens:,} / {row.completion_tokens:,}",
        "cost": "–" if row.is_mock else dollars(row.cost_usd),
    }


def _ago(seconds: float) -> str:
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def _errors_page(code: str, look_back: StatsRange) -> str:
    return tasks_page(error=code, finished=look_back.value)
