"""Prometheus figures, read from the database at scrape: right across all processes and machines.

Strangers get counts. What was paid is shown to staff alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.core.cache import cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tasks.models import Task
from tasks.monitoring.totals import AttemptTotals, RunningTotals
from tasks.querysets import TaskQuerySet, database_now
from tasks.stats.live import list_workers, oldest_due_age_s
from tasks.vocabulary import TERMINAL, Status

_ENDED_COUNTS_AGE_S = 15
_attempts = RunningTotals()


def render_metrics(*, with_cost: bool) -> bytes:
    """The exposition text. Raises: Django's database errors."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(TaskrunnerCollector(with_cost=with_cost))
    return generate_latest(registry)


class TaskrunnerCollector(Collector):
    """One scrape: live states by partial indexes, ended ones at most every 15 s."""

    def __init__(self, *, with_cost: bool) -> None:
        self._with_cost = with_cost

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _task_figures()
        yield from _worker_figures()
        totals = _attempts.read()
        yield _attempt_counts(totals)
        if self._with_cost:
            yield _costs(totals)


def _task_figures() -> Iterator[Metric]:
    tasks = GaugeMetricFamily("taskrunner_tasks", "Tasks by status.", labels=["status"])
    for status, count in _count_by_status().items():
        tasks.add_metric([status.value], count)
    yield tasks
    rows: TaskQuerySet = Task.objects.all()
    age_s = oldest_due_age_s(rows, database_now())
    yield GaugeMetricFamily(
        "taskrunner_oldest_pending_seconds",
        "How long the task that is longest due has waited for a slot; 0 if none waits.",
        value=age_s or 0.0,
    )


def _count_by_status() -> dict[Status, int]:
    # One count a state: each is served by an index; GROUP BY would walk the table.
    ended: dict[str, int] | None = cache.get("metrics:ended")
    if ended is None:
        ended = {status.value: Task.objects.filter(status=status).count() for status in TERMINAL}
        cache.set("metrics:ended", ended, timeout=_ENDED_COUNTS_AGE_S)
    live = {
        Status.PENDING: Task.objects.filter(status=Status.PENDING).count(),
        Status.PROCESSING: Task.objects.filter(status=Status.PROCESSING).count(),
    }
    return live | {status: ended[status.value] for status in Status if status in TERMINAL}


def _worker_figures() -> Iterator[Metric]:
    alive = [worker for worker in list_workers(database_now()) if worker.is_alive]
    figures = {
        "taskrunner_workers": ("Worker processes heard of within the lease time.", len(alive)),
        "taskrunner_slots": ("Calls that they may hold at once.", sum(w.slots for w in alive)),
        "taskrunner_in_flight": ("Calls that they hold.", sum(w.in_flight for w in alive)),
    }
    for name, (words, value) in figures.items():
        yield GaugeMetricFamily(name, words, value=value)


def _attempt_counts(totals: AttemptTotals) -> Metric:
    family = CounterMetricFamily(
        "taskrunner_attempts", "Provider calls by outcome.", labels=["provider", "outcome"]
    )
    for (provider, outcome), count in sorted(totals.counts.items()):
        if outcome:  # a running one may still end in any way; it shows as in flight
            family.add_metric([provider, outcome], count)
    return family


def _costs(totals: AttemptTotals) -> Metric:
    family = CounterMetricFamily(
        "taskrunner_cost_usd", "US dollars of priced provider calls.", labels=["provider"]
    )
    by_provider: dict[str, float] = {}
    for (provider, _), cost in totals.costs.items():
        by_provider[provider] = by_provider.get(provider, 0.0) + float(cost)
    for provider, dollars in sorted(by_provider.items()):
        family.add_metric([provider], dollars)
    return family
