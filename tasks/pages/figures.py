"""A snapshot as the stats page shows it: numbers in words, rows with their links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from tasks.conf import get_conf
from tasks.pages.chart import KINDS, draw_ages, draw_chart, draw_depth
from tasks.pages.links import Links
from tasks.pages.tiles import build_tiles
from tasks.stats import Snapshot, StatsRange
from tasks.stats.behind import TODAY
from tasks.stats.lanes import LaneFigures
from tasks.stats.live import FiringAlert
from tasks.stats.providers import ModelFigures, ProviderFigures
from tasks.stats.snapshot import Failure
from tasks.stats.tallies import TemplateFigures
from tasks.stats.wording import dollars, duration, lane_remedy, lane_words
from tasks.vocabulary import Outcome, Status


def build_figures(snapshot: Snapshot, user: Any) -> dict[str, Any]:
    """The context of the live part of the page."""
    links = Links.of(user, snapshot.range)
    return {
        "snapshot": snapshot,
        "tiles": build_tiles(snapshot, links),
        "alerts": [
            {"alert": alert, "href": _place_of(alert, links)} for alert in snapshot.alerts or ()
        ],
        "may_retry": user.has_perm("tasks.change_task") if user.is_staff else True,
        "statuses": [
            {"name": status.value, "count": count, "href": links.now(status__exact=status.value)}
            for status, count in snapshot.counts.items()
        ],
        "waiting": [
            {"reason": reason, "count": count, "href": links.waiting(reason)}
            for reason, count in snapshot.waiting.items()
        ],
        "chart": draw_chart(snapshot.series, snapshot.range),
        "points": [{"point": p, "href": links.bar(p.start)} for p in snapshot.series],
        "kinds": KINDS,
        "queue": None if snapshot.queue is None else _queue(snapshot),
        "lanes": None
        if snapshot.lanes is None
        else [_lane_row(lane, snapshot.generated_at) for lane in snapshot.lanes],
        "providers_page": links.providers,
        "workers_page": links.workers,
        "models": [_model_row(row, links) for row in snapshot.models],
        "providers": [_provider_row(row, links) for row in snapshot.providers],
        "templates": [_template_row(row, links) for row in snapshot.templates],
        "errors": [
            {"row": row, "href": links.ended(error=row.code, failed_at=row.provider)}
            for row in snapshot.errors
        ],
        "failures": [_failure_row(row, links) for row in snapshot.recent_failures],
        "retry_all": links.ended(status__exact="FAILED") if links.is_admin else "",
        "failed_count": snapshot.finished[Status.FAILED],
        "workers": None
        if snapshot.workers is None
        else [{"row": worker, "heard": _ago(worker.beat_age_s)} for worker in snapshot.workers],
        "is_mock_standing_in": get_conf().is_mock_standing_in,
    }


def _place_of(alert: FiringAlert, links: Links) -> str:
    """Where to look into what an alert tells, or to mend it; empty: nowhere."""
    places = {
        "no_worker": links.workers,
        "breaker_open": links.providers,
        "queue_age": links.now(waiting="due", o="1"),
        "failure_rate": links.now(status__exact="FAILED", finished=StatsRange.HOUR.value),
        "budget": links.now(finished=TODAY),
    }
    return places.get(alert.key.partition(":")[0], "")


def _failure_row(row: Failure, links: Links) -> dict[str, Any]:
    retry = "admin:tasks_task_retry" if links.is_admin else "task-retry"
    return {"row": row, "href": links.task(row.id), "retry": reverse(retry, args=[row.id])}


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
        "remedy": lane_remedy(lane),
        "probe": "" if wait_s is None else "at once" if wait_s <= 0 else f"in {duration(wait_s)}",
    }


def _model_row(row: ModelFigures, links: Links) -> dict[str, Any]:
    return {
        "row": row,
        "answered_href": links.ended(served=row.provider, served_model=row.model),
        "called_href": links.called(f"{row.provider}/{row.model}"),
        "failed_calls_href": links.called(f"{row.provider}/{row.model}", Outcome.FAILED),
        "tokens": f"{row.prompt_tokens:,} / {row.completion_tokens:,}",
        "cost": dollars(row.cost_usd),
    }


def _template_row(row: TemplateFigures, links: Links) -> dict[str, Any]:
    return {
        "row": row,
        "page": links.template(row.id),
        "ended_href": links.ended(template=str(row.id)),
        "completed_href": links.ended(status__exact="COMPLETED", template=str(row.id)),
        "failed_href": links.ended(status__exact="FAILED", template=str(row.id)),
        "failed": "–" if row.failed_percent is None else f"{row.failed_percent:g} %",
        "run": duration(row.mean_run_s),
        "cost": dollars(row.cost_usd),
    }


def _provider_row(row: ProviderFigures, links: Links) -> dict[str, Any]:
    success = "–" if row.success_percent is None or row.is_mock else f"{row.success_percent:g} %"
    waits, runs = (
        " / ".join(duration(getattr(row, f"{kind}_{p}_s")) for p in ("p50", "p95", "p99"))
        for kind in ("wait", "run")
    )
    return {
        "row": row,
        "completed_href": links.ended(served=row.provider),
        "fallbacks_href": links.ended(served=row.provider, result_source__exact="fallback"),
        "cached_href": links.ended(served=row.provider, result_source__exact="cache"),
        "failed_href": links.ended(failed_at=row.provider),
        "called_href": links.called(row.provider),
        "success": success,
        "wait": waits,
        "run": runs,
        "tokens": f"{row.prompt_tokens:,} / {row.completion_tokens:,}",
        "cost": "–" if row.is_mock else dollars(row.cost_usd),
    }


def _ago(seconds: float) -> str:
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"
