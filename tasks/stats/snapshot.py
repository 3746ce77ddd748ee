"""All figures of one moment for one reader: staff see every task, others their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction

from tasks.models import Task
from tasks.querysets import TaskQuerySet, database_now
from tasks.stats.hours import LookBack, midnight
from tasks.stats.lanes import LaneFigures, list_lanes
from tasks.stats.live import (
    FiringAlert,
    WorkerFigures,
    count_by_status,
    count_waiting,
    list_firing,
    list_workers,
    oldest_due_age_s,
)
from tasks.stats.past import look_back as look_back_at
from tasks.stats.past import look_back_at_calls
from tasks.stats.providers import (
    ErrorFigures,
    ModelFigures,
    ProviderFigures,
    error_figures,
    failed_percent,
    model_figures,
    provider_figures,
    total_cost,
)
from tasks.stats.ranges import StatsRange
from tasks.stats.samples import QueuePoint, queue_series
from tasks.stats.series import Point, build_series
from tasks.stats.tallies import (
    TemplateFigures,
    answered_by_model,
    template_figures,
    total_saved,
)
from tasks.vocabulary import REAL_PROVIDERS, Status

_RECENT_FAILURES = 8
_MESSAGE_CHARS = 160


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A task that FAILED, with the beginning of what its provider said."""

    id: int
    provider: str
    model: str
    error_code: str
    message: str
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`counts` are all tasks that exist; everything under a range says so in its name or doc.

    `finished`, `providers`, `models`, `templates`, `errors`, `series` and `failed_percent` cover
    the range. `waiting` maps the reasons why PENDING tasks cannot run yet to how many they hold.
    `cost_today_usd` is since midnight UTC, unpriced answers not in it. `saved_usd` is what answers
    that were used again in the range had cost. `workers`, `lanes`, `alerts` and `queue` (how the
    queue stood over time) are None for readers who are not staff.
    """

    range: StatsRange
    generated_at: datetime
    counts: Mapping[Status, int]
    oldest_pending_s: float | None
    waiting: Mapping[str, int]
    finished: Mapping[Status, int]
    failed_percent: float | None
    cost_usd: Decimal
    cost_today_usd: Decimal
    saved_usd: Decimal
    mock_answers: int
    series: tuple[Point, ...]
    providers: tuple[ProviderFigures, ...]
    models: tuple[ModelFigures, ...]
    templates: tuple[TemplateFigures, ...]
    errors: tuple[ErrorFigures, ...]
    recent_failures: tuple[Failure, ...]
    workers: tuple[WorkerFigures, ...] | None
    lanes: tuple[LaneFigures, ...] | None
    queue: tuple[QueuePoint, ...] | None
    alerts: tuple[FiringAlert, ...] | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def due(self) -> int:
        """PENDING tasks that only want a free slot."""
        return self.counts[Status.PENDING] - sum(self.waiting.values())

    @property
    def live_workers(self) -> int | None:
        return None if self.workers is None else sum(w.is_alive for w in self.workers)

    @property
    def capacity(self) -> int | None:
        """Calls that the live workers could hold at once."""
        return None if self.workers is None else sum(w.slots for w in self.workers if w.is_alive)


def get_snapshot(user: Any, look_back: StatsRange) -> Snapshot:
    """The figures for `user`, at most `look_back.cache_s` seconds old."""
    key = f"stats:{'all' if user.is_staff else user.pk}:{look_back.value}"
    found: Snapshot | None = cache.get(key)
    if found is None:
        found = take_snapshot(user, look_back)
        cache.set(key, found, timeout=look_back.cache_s)
    return found


def take_snapshot(user: Any, look_back: StatsRange) -> Snapshot:
    """The figures for `user`, of this moment."""
    with _without_jit():
        return _take(user, look_back, database_now())


@contextmanager
def _without_jit() -> Iterator[None]:
    """PostgreSQL compiles these queries for longer than it runs them: measured 0.3 s each.

    One transaction there also makes the figures agree. On SQLite it would hold the write lock.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        yield


def _take(user: Any, look_back: StatsRange, now: datetime) -> Snapshot:
    tasks = Task.objects.visible_to(user)
    owner_id = None if user.is_staff else user.pk
    past = look_back_at(owner_id, now - look_back.length, look_back.bucket_s)
    providers, bars = provider_figures(past), look_back.buckets(now)
    return Snapshot(
        range=look_back,
        generated_at=now,
        counts=count_by_status(tasks, owner_id),
        oldest_pending_s=oldest_due_age_s(tasks, now),
        waiting=count_waiting(tasks),
        finished={
            status: sum(group.count for group in past.finished if group.status == status)
            for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
        },
        failed_percent=failed_percent(past.finished),
        cost_usd=total_cost(past.calls),
        cost_today_usd=sum(paid_since_midnight(owner_id, now).values(), Decimal(0)),
        saved_usd=total_saved(past.tallies),
        mock_answers=sum(p.completed for p in providers if p.is_mock),
        series=build_series(past.finished, bars, look_back.bucket_s),
        providers=providers,
        models=model_figures(past.calls, answered_by_model(past.tallies)),
        templates=template_figures(past.tallies),
        errors=error_figures(past.finished),
        recent_failures=_recent_failures(tasks),
        workers=list_workers(now) if user.is_staff else None,
        lanes=list_lanes(now) if user.is_staff else None,
        alerts=list_firing() if user.is_staff else None,
        queue=queue_series(bars, look_back.bucket_s) if user.is_staff else None,
    )


def paid_since_midnight(owner_id: int | None, now: datetime) -> Mapping[str, Decimal]:
    """What each provider was paid since midnight UTC for the tasks of one owner; of everybody if
    None. Providers that were paid nothing are 0."""
    calls = look_back_at_calls(owner_id, LookBack.since(midnight(now)))
    return {
        name.value: total_cost(call for call in calls if call.provider == name)
        for name in REAL_PROVIDERS
    }


def _recent_failures(tasks: TaskQuerySet) -> tuple[Failure, ...]:
    """The newest tasks that FAILED, within any time: `(status, -id)` finds them at once."""
    rows = tasks.filter(status=Status.FAILED).order_by("-id")[:_RECENT_FAILURES]
    return tuple(
        Failure(
            id=task.pk,
            provider=task.provider,
            model=task.model,
            error_code=task.error_code,
            message=task.error_message[:_MESSAGE_CHARS],
            finished_at=task.finished_at,
        )
        for task in rows.only(
            "id", "provider", "model", "error_code", "error_message", "finished_at"
        )
    )
