"""Claim: take as many due tasks as there are free slots, the most urgent first.

One transaction: wake what is due again, lock and lease the rows, write the attempts down before
anything is sent. Tasks that cannot be called now are parked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tasks.conf import get_conf
from tasks.engine.claimed import Claimed
from tasks.engine.route import Parked, Routed, route
from tasks.models import Attempt, Task
from tasks.providers.base import CompletionRequest
from tasks.querysets import TaskQuerySet, database_now, update_rows
from tasks.vocabulary import Status

_WAKE_AT_ONCE = 2_000


def claim(slots: int, worker: str) -> list[Claimed]:
    """At most `slots` tasks, leased to this worker; fewer only if no more were due."""
    if not _is_anything_due():
        return []
    with transaction.atomic():
        _wake()
        tasks = list(_tasks().due().for_me_alone()[:slots])
        if not tasks:
            return []
        now = database_now()
        routed: list[tuple[Task, Routed]] = []
        parked: list[tuple[Task, Parked]] = []
        for task in tasks:
            way = route(task, now)
            if isinstance(way, Routed):
                routed.append((task, way))
            else:
                parked.append((task, way))
        _park(parked)
        return _lease(routed, worker, now)


def seconds_to_next_wake() -> float | None:
    """Seconds until the next waiting task is due; None if none waits."""
    wake_at = (
        _tasks()
        .filter(status=Status.PENDING, wake_at__isnull=False)
        .order_by("wake_at")
        .values_list("wake_at", flat=True)
        .first()
    )
    return None if wake_at is None else max(0.0, (wake_at - database_now()).total_seconds())


def _tasks() -> TaskQuerySet:
    return cast(TaskQuerySet, Task.objects.all())


def _is_anything_due() -> bool:
    """A look without a lock, so that idle workers do not stand in the writers' way on SQLite."""
    return _tasks().due().order_by().exists() or _tasks().waking().exists()


def _wake() -> None:
    """Mark what waited long enough as due."""
    ids = list(_tasks().waking().for_me_alone().values_list("pk", flat=True)[:_WAKE_AT_ONCE])
    if ids:
        _tasks().filter(pk__in=ids).update(wake_at=None, waiting_reason="")


def _park(parked: Sequence[tuple[Task, Parked]]) -> None:
    update_rows(
        Task,
        ["wake_at", "waiting_reason"],
        [(way.until, way.reason, task.pk) for task, way in parked],
    )


def _lease(routed: Sequence[tuple[Task, Routed]], worker: str, now: datetime) -> list[Claimed]:
    if not routed:
        return []
    token = uuid4()
    _tasks().filter(pk__in=[task.pk for task, _ in routed]).update(
        status=Status.PROCESSING.value,
        lease_token=token,
        lease_expires_at=now + timedelta(seconds=get_conf().lease_s),
        attempts=F("attempts") + 1,
        claims=F("claims") + 1,
        started_at=Coalesce("started_at", now),
        updated_at=now,
    )
    attempts = Attempt.objects.bulk_create(
        Attempt(
            task_id=task.pk,
            number=task.claims + 1,
            provider=way.provider.value,
            model=way.model,
            worker=worker,
            lease_token=token,
            started_at=now,
        )
        for task, way in routed
    )
    return [
        _claimed(task, way, attempt.pk, token)
        for (task, way), attempt in zip(routed, attempts, strict=True)
    ]


def _claimed(task: Task, way: Routed, attempt_id: Any, token: UUID) -> Claimed:
    return Claimed(
        task_id=task.pk,
        attempt_id=attempt_id,
        lease_token=token,
        attempts=task.attempts + 1,
        max_attempts=task.max_attempts,
        provider=way.provider,
        is_fallback=way.is_fallback,
        request=CompletionRequest(
            prompt=task.prompt,
            model=way.model,
            system=task.system,
            max_tokens=task.max_tokens,
            temperature=task.temperature,
        ),
    )
