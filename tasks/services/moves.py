"""What a move writes into a task's row: one rule for one task and for ten thousand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from tasks.models import Attempt, Batch, Task
from tasks.querysets import database_now
from tasks.vocabulary import SCHEDULED, Outcome, Status

RETRIABLE = frozenset({Status.FAILED, Status.CANCELLED})
CANCELLABLE = frozenset({Status.PENDING, Status.PROCESSING})
CHANGEABLE = frozenset({Status.PENDING})

_ENGINE_MARKS_CLEARED: dict[str, Any] = {
    "wake_at": None,
    "lease_token": None,
    "lease_expires_at": None,
    "waiting_reason": "",
    "held_by": None,
    "held_needs": None,
}


def fields_of_cancel(now: datetime) -> dict[str, Any]:
    """CANCELLED at `now`; without its lease, a running call's answer will change nothing."""
    return {"status": Status.CANCELLED.value, "finished_at": now, **_ENGINE_MARKS_CLEARED}


def fields_of_retry() -> dict[str, Any]:
    """PENDING, with a fresh count of attempts; asked for again, so it expires no more."""
    return {
        "status": Status.PENDING.value,
        "attempts": 0,
        "boost": 0,
        "error_code": "",
        "error_message": "",
        "expires_at": None,
        "started_at": None,
        "finished_at": None,
        **_ENGINE_MARKS_CLEARED,
    }


def keep_schedule(task_ids: Iterable[int]) -> None:
    """Retried tasks whose `run_after` is still ahead wait for it, as they did before."""
    ahead = Task.objects.filter(pk__in=list(task_ids), run_after__gt=database_now())
    ahead.update(wake_at=F("run_after"), waiting_reason=SCHEDULED)


def close_attempts(leases: Mapping[int, UUID], now: datetime) -> None:
    """Mark the running attempts as cancelled. leases: the lease token of each task's id."""
    if leases:
        Attempt.objects.filter(
            task__in=leases.keys(), lease_token__in=leases.values(), outcome=""
        ).update(outcome=Outcome.CANCELLED.value, finished_at=now, partial=None)


def reopen_batches(task_ids: Iterable[int]) -> None:
    """Batches that had ended go on with these tasks, and their next end is told again."""
    batches = Task.objects.filter(pk__in=list(task_ids), batch__isnull=False).values("batch")
    Batch.objects.filter(pk__in=batches, is_open=False).update(is_open=True)
