"""The rules: what is looked at, when it is bad, and what is said then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tasks.conf import get_conf
from tasks.models import Task
from tasks.policy.alerting import judge_limit
from tasks.policy.breaker import BreakerState, Force
from tasks.querysets import TaskQuerySet
from tasks.stats.finished import finished_groups
from tasks.stats.hours import HOUR_S, ended_tasks
from tasks.stats.lanes import LaneFigures, list_lanes
from tasks.stats.live import list_workers, oldest_due_age_s
from tasks.stats.providers import failed_percent
from tasks.stats.snapshot import paid_since_midnight
from tasks.stats.wording import dollars, duration, lane_remedy
from tasks.vocabulary import Provider, Status

_FAILURES_OF = timedelta(minutes=15)
_LEAST_ENDED = 10


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look at one rule. `message` says what is bad, or how it looks now."""

    key: str
    is_bad: bool
    is_clear: bool
    message: str


def take_readings(now: datetime) -> Iterator[Reading]:
    """One for each rule that is on."""
    yield _no_worker(now)
    yield from _breakers(now)
    if get_conf().alerts.queue_age_s:
        yield _queue_age(now, get_conf().alerts.queue_age_s)
    if get_conf().alerts.failed_percent:
        yield _failures(now, get_conf().alerts.failed_percent)
    if (budget := get_conf().daily_budget_usd) and get_conf().alerts.budget_percent:
        yield _budget(now, budget, get_conf().alerts.budget_percent)


def _no_worker(now: datetime) -> Reading:
    alive = sum(worker.is_alive for worker in list_workers(now))
    words = f"{alive} alive" if alive else "None was heard of lately: start ./run or qcluster."
    return Reading(
        key="no_worker", is_bad=not alive, is_clear=bool(alive), message=f"Workers: {words}"
    )


def _breakers(now: datetime) -> Iterator[Reading]:
    for lane in list_lanes(now):
        is_open = lane.force == Force.AUTO and lane.breaker != BreakerState.CLOSED
        yield Reading(
            key=f"breaker_open:{lane.provider}",
            is_bad=is_open,
            is_clear=not is_open,
            message=_breaker_words(lane)[:300],
        )


def _breaker_words(lane: LaneFigures) -> str:
    words = f"Breaker of {lane.provider}: {lane.breaker_reason or lane.breaker}"
    remedy = lane_remedy(lane)
    return f"{words}. {remedy}" if remedy else words


def _queue_age(now: datetime, limit_s: float) -> Reading:
    tasks: TaskQuerySet = Task.objects.all()
    age_s = oldest_due_age_s(tasks, now)
    is_bad, is_clear = judge_limit(age_s, limit_s)
    age = "none" if age_s is None else duration(age_s)
    return Reading(
        key="queue_age", is_bad=is_bad, is_clear=is_clear,
        message=f"Oldest due task: {age} (limit {duration(limit_s)})",
    )  # fmt: skip


def _failures(now: datetime, limit: float) -> Reading:
    tasks: TaskQuerySet = Task.objects.all()
    groups = finished_groups(ended_tasks(tasks, now - _FAILURES_OF, None), HOUR_S)
    real = [g for g in groups if g.provider != Provider.MOCK and g.status != Status.CANCELLED]
    ended = sum(group.count for group in real)
    percent = failed_percent(groups) if ended >= _LEAST_ENDED else None
    is_bad, is_clear = judge_limit(percent, limit)
    shown = "too few to tell" if percent is None else f"{percent:g} %"
    return Reading(
        key="failure_rate", is_bad=is_bad, is_clear=is_clear,
        message=f"Failed in the last 15 minutes: {shown} of {ended} (limit {limit:g} %)",
    )  # fmt: skip


def _budget(now: datetime, budget: Decimal, limit: float) -> Reading:
    paid = sum(paid_since_midnight(None, now).values(), Decimal(0))
    is_bad, is_clear = judge_limit(float(100 * paid / budget), limit)
    return Reading(
        key="budget", is_bad=is_bad, is_clear=is_clear,
        message=f"Paid today: {dollars(paid)} of {dollars(budget)} (limit {limit:g} %)",
    )  # fmt: skip
