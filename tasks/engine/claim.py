"""Claim: take as many due tasks as there are free slots, the most urgent first.

One transaction: wake what is due again, lock and lease the rows, write the attempts down before
anything is sent. Tasks that cannot be called now are parked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tasks.conf import get_conf
from tasks.engine.claimed import Claimed
from tasks.engine.route import Router, utc
from tasks.models import Attempt, Task
from tasks.policy.routing import Call, Defer
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
        router = Router(tasks, now)
        calls: list[tuple[Task, Call]] = []
        deferred: list[tuple[Task, Defer]] = []
        for task in tasks:
            way = router.route(task)
            if isinstance(way, Call):
                calls.append((task, way))
            else:
                deferred.append((task, way))
        _park(deferred)
        return _lease(calls, router, worker, now)


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
    return Task.objects.all()


def _is_anything_due() -> bool:
    """A look without a lock, so that idle workers do not stand in the writers' way on SQLite."""
    return _tasks().due().order_by().exists() or _tasks().waking().exists()


def _wake() -> None:
    """Mark what waited long enough as due."""
    ids = list(_tasks().waking().for_me_alone().values_list("pk", flat=True)[:_WAKE_AT_ONCE])
    if ids:
        _tasks().filter(pk__in=ids).update(wake_at=None, waiting_reason="")


def _park(deferred: Sequence[tuple[Task, Defer]]) -> None:
    update_rows(
        Task,
        ["wake_at", "waiting_reason"],
        [(utc(way.until), way.reason[:200], task.pk) for task, way in deferred],
    )


def _lease(
    calls: Sequence[tuple[Task, Call]], router: Router, worker: str, now: datetime
) -> list[Claimed]:
    if not calls:
        return []
    token = uuid4()
    _tasks().filter(pk__in=[task.pk for task, _ in calls]).update(
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
        for task, way in calls
    )
    return [
        _claimed(task, way, attempt, router)
        for (task, way), attempt in zip(calls, attempts, strict=True)
    ]


def _claimed(task: Task, way: Call, attempt: Attempt, router: Router) -> Claimed:
    return Claimed(
        task_id=task.pk,
        attempt_id=attempt.pk,
        lease_token=attempt.lease_token,
        attempts=task.attempts + 1,
        max_attempts=task.max_attempts,
        provider=way.provider,
        is_fallback=way.is_fallback,
        has_alternative=router.has_alternative(task, way.provider),
        request=CompletionRequest(
            prompt=task.prompt,
            model=way.model,
            system=task.system,
            max_tokens=task.max_tokens,
            temperature=task.temperature,
        ),
    )
