"""A snapshot as the stats page shows it: numbers in words, rows with their links."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from tasks.conf import get_conf
from tasks.pages.chart import KINDS, draw_chart
from tasks.pages.tiles import build_tiles, tasks_page
from tasks.stats import Snapshot, StatsRange
from tasks.stats.providers import ProviderFigures
from tasks.stats.wording import dollars, duration


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
        "providers": [_provider_row(row) for row in snapshot.providers],
        "errors": [
            {"row": row, "href": _errors_page(row.code, snapshot.range) if has_links else ""}
            for row in snapshot.errors
        ],
        "failures": [
            {
                "row": failure,
                "href": reverse("admin:tasks_task_change", args=[failure.id]) if has_links else "",
            }
            for failure in snapshot.recent_failures
        ],
        "workers": None
        if snapshot.workers is None
        else [{"row": worker, "heard": _ago(worker.beat_age_s)} for worker in snapshot.workers],
        "is_mock_standing_in": get_conf().is_mock_standing_in,
    }


def _provider_row(row: ProviderFigures) -> dict[str, Any]:
    success = "–" if row.success_percent is None or row.is_mock else f"{row.success_percent:g} %"
    return {
        "row": row,
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
