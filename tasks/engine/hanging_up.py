"""Calls whose task was cancelled are hung up: nobody waits for them, and their slot is of use."""

from __future__ import annotations

from collections.abc import Collection

from tasks.engine.claimed import Claimed
from tasks.models import Task
from tasks.vocabulary import Status

LOOK_EVERY_S = 1.0


def hang_up_cancelled(calls: Collection[Claimed]) -> None:
    """End those of this worker's calls that are for cancelled tasks; their slots come free."""
    if not calls:
        return
    ids = [call.task_id for call in calls]
    rows = Task.objects.filter(pk__in=ids, status=Status.CANCELLED)
    cancelled = set(rows.values_list("pk", flat=True))
    for call in calls:
        if call.task_id in cancelled:
            call.request.hang_up.order()
