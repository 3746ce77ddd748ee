"""Claim: take as many due tasks as there are free slots, the most urgent first.

One transaction: wake what is due again, lock and lease the rows, write the attempts down before
anything is sent. Tasks that cannot be called now are parked in the same transaction.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tasks.conf import get_conf
from tasks.engine.claimed import Claimed, DueTask
from tasks.engine.outbox import record
from tasks.engine.route import Routed, Router
from tasks.models import Attempt, Task
from tasks.policy.routing import Defer
from tasks.providers.base import CompletionRequest
from tasks.querysets import TaskQuerySet, database_now
from tasks.row_writes import insert_rows, update_rows
from tasks.vocabulary import EventType, Status

_WAKE_AT_ONCE = 2_000
_SPREAD_SHARE = 0.1
_LONGEST_SPREAD_S = 5.0
_ATTEMPT_COLUMNS = (
    "task", "number", "provider", "model", "worker", "lease_token", "started_at",
    "outcome", "error_code", "message", "request_id", "is_late",
)  # fmt: skip
_NOTHING_YET = ("", "", "", "", False)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a claim brought. is_dry: nothing due was left when it looked."""

    claimed: list[Claimed]
    is_dry: bool


def claim(slots: int, worker: str) -> Claim:
    """Lease at most `slots` due tasks to this worker, the most urgent first."""
    if not _is_anything_due():
        return Claim(claimed=[], is_dry=True)
    with transaction.atomic():
        _wake()
        rows = _tasks().due().for_me_alone().values_list(*DueTask._fields)[:slots]
        tasks = [DueTask._make(row) for row in rows]
        now = database_now()
        router = Router(tasks, now)
        ways = [(task, router.route(task)) for task in tasks]
        _park([(task, way) for task, way in ways if isinstance(way, Defer)], now)
        routed = [(task, way) for task, way in ways if isinstance(way, Routed)]
        return Claim(claimed=_lease(routed, worker, now), is_dry=len(tasks) < slots)


def seconds_to_next_wake() -> float | None:
    """Seconds until the next waiting task is due; None if none waits."""
    wake_at = _tasks().waiting().values_list("wake_at", flat=True).first()
    return None if wake_at is None else max(0.0, (wake_at - database_now()).total_seconds())


def _tasks() -> TaskQuerySet:
    return Task.objects.all()


def _is_anything_due() -> bool:
    """A look without a lock, so that idle workers do not stand in the writers' way on SQLite."""
    return _tasks().due().is_any() or _tasks().waking().is_any()


def _wake() -> None:
    """Mark what waited long enough as due."""
    ids = list(_tasks().waking().for_me_alone().values_list("pk", flat=True)[:_WAKE_AT_ONCE])
    if ids:
        _tasks().filter(pk__in=ids).update(wake_at=None, waiting_reason="")


def _park(deferred: Sequence[tuple[DueTask, Defer]], now: datetime) -> None:
    """Wait for the lane. Spread a little, or all of them would come back in one instant."""
    rows = []
    for task, way in deferred:
        wait_s = max(0.0, way.until - now.timestamp())
        spread_s = random.random() * min(_LONGEST_SPREAD_S, wait_s * _SPREAD_SHARE)  # noqa: S311
        rows.append((now + timedelta(seconds=wait_s + spread_s), way.reason[:200], task.id))
    update_rows(Task, ["wake_at", "waiting_reason"], rows)


def _lease(routed: Sequence[tuple[DueTask, Routed]], worker: str, now: datetime) -> list[Claimed]:
    if not routed:
        return []
    token = uuid4()
    _tasks().filter(pk__in=[task.id for task, _ in routed]).update(
        status=Status.PROCESSING.value,
        lease_token=token,
        lease_expires_at=now + timedelta(seconds=get_conf().lease_s),
        attempts=F("attempts") + 1,
        claims=F("claims") + 1,
        started_at=Coalesce("started_at", now),
        updated_at=now,
    )
    rows = [
        (task.id, task.claims + 1, way.provider.value, way.model, worker, token, now)
        for task, way in routed
    ]
    insert_rows(Attempt, _ATTEMPT_COLUMNS, [(*row, *_NOTHING_YET) for row in rows])
    record((EventType.STARTED, task.id, task.owner_id) for task, _ in routed)
    return [_claimed(task, way, token) for task, way in routed]


def _claimed(task: DueTask, way: Routed, token: UUID) -> Claimed:
    return Claimed(
        task_id=task.id,
        attempt_number=task.claims + 1,
        lease_token=token,
        attempts=task.attempts + 1,
        max_attempts=task.max_attempts,
        provider=way.provider,
        is_fallback=way.is_fallback,
        has_alternative=way.has_alternative,
        is_probe=way.is_probe,
        has_spare_key=way.keys.has_spare,
        request=CompletionRequest(
            prompt=task.prompt,
            model=way.model,
            system=task.system,
            max_tokens=task.max_tokens,
            temperature=task.temperature,
            keys_aside=way.keys.aside,
        ),
    )
