"""Leases: renewed while their worker lives, and what becomes of tasks whose worker does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.db import transaction

from tasks.conf import get_conf
from tasks.engine.claimed import Claimed
from tasks.engine.outbox import record
from tasks.models import Attempt, Task, Worker
from tasks.querysets import TaskQuerySet, database_now
from tasks.row_writes import update_rows
from tasks.vocabulary import EventType, Outcome, Status

log = structlog.get_logger(__name__)

_RESCUE_AT_ONCE = 500
_WORKER_FORGOTTEN_AFTER_LEASES = 4
_LOST = "worker_lost"
_LOST_MESSAGE = "The worker was lost in mid-call; the provider may have answered, and billed."


@transaction.atomic
def beat(worker: Worker, calls: Iterable[Claimed]) -> int:
    """Show that this worker lives and renew the leases of its calls, in one statement each.

    Returns how many workers live, this one among them.
    """
    now = database_now()
    held = list(calls)
    worker.beat_at, worker.in_flight = now, len(held)
    Worker.objects.update_or_create(
        name=worker.name,
        defaults={
            name: getattr(worker, name)
            for name in ("host", "pid", "slots", "in_flight", "started_at", "beat_at")
        },
    )
    if held:
        _tasks().filter(
            pk__in=[claimed.task_id for claimed in held],
            lease_token__in={claimed.lease_token for claimed in held},
            status=Status.PROCESSING,
        ).update(lease_expires_at=now + timedelta(seconds=get_conf().lease_s))
    return Worker.objects.filter(beat_at__gt=now - timedelta(seconds=get_conf().lease_s)).count()


def rescue() -> int:
    """Give lapsed tasks back to the queue, or end them if their attempts are used up.

    Their attempts become UNKNOWN: sent, perhaps billed, never answered. Returns how many.
    """
    return _rescue() if _tasks().with_lapsed_lease().is_any() else 0


@transaction.atomic
def _rescue() -> int:
    tasks = list(_tasks().with_lapsed_lease().for_me_alone()[:_RESCUE_AT_ONCE])
    if not tasks:
        return 0
    now = database_now()
    Attempt.objects.filter(
        task_id__in=[task.pk for task in tasks],
        lease_token__in={task.lease_token for task in tasks},
        outcome="",
    ).update(
        outcome=Outcome.UNKNOWN.value,
        error_code=_LOST,
        message=_LOST_MESSAGE,
        finished_at=now,
        partial=None,
    )
    update_rows(
        Task,
        ["status", "error_code", "error_message", "finished_at", "lease_token",
         "lease_expires_at", "updated_at"],
        [_rescued_row(task, now) for task in tasks],
    )  # fmt: skip
    record((_event_of_rescue(task), task.pk, task.owner_id) for task in tasks)
    log.warning("tasks rescued from lost workers", tasks=[task.pk for task in tasks][:20])
    return len(tasks)


def expire() -> int:
    """FAIL the waiting tasks whose `expires_at` has passed. Returns how many."""
    if not _tasks().past_expiry().is_any():
        return 0
    with transaction.atomic():
        rows = _tasks().past_expiry().for_me_alone().values_list("pk", "owner_id")
        owners = dict(rows[:5_000])
        if owners:
            _tasks().filter(pk__in=owners).update(
                status=Status.FAILED.value,
                error_code="expired",
                error_message="Its expires_at passed before it could be called.",
                wake_at=None,
                waiting_reason="",
                finished_at=database_now(),
                updated_at=database_now(),
            )
            record((EventType.FAILED, pk, owner_id) for pk, owner_id in owners.items())
    return len(owners)


def forget_lost_workers() -> None:
    """Remove the rows of workers that were not heard of for several leases."""
    silence = timedelta(seconds=get_conf().lease_s * _WORKER_FORGOTTEN_AFTER_LEASES)
    Worker.objects.filter(beat_at__lt=database_now() - silence).delete()


def _tasks() -> TaskQuerySet:
    return Task.objects.all()


def _is_used_up(task: Task) -> bool:
    return task.attempts >= task.max_attempts


def _event_of_rescue(task: Task) -> EventType:
    return EventType.FAILED if _is_used_up(task) else EventType.RELEASED


def _rescued_row(task: Task, now: object) -> list[object]:
    if _is_used_up(task):
        message = f"Its worker was lost in each of its last calls ({task.attempts} in all)."
        return [Status.FAILED.value, _LOST, message, now, None, None, now, task.pk]
    return [Status.PENDING.value, "", "", None, None, None, now, task.pk]
