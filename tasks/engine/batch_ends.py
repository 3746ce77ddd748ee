"""When all tasks of a batch have ended, that is told once; after a retry, once more.

A chore looks for such batches: nobody who settles a task has to ask whether it was the last.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef

from tasks.engine.outbox import record_batch
from tasks.models import Batch, Task
from tasks.vocabulary import TERMINAL, EventType, Status

LOOK_EVERY_S = 5.0
_AT_ONCE = 500
_LIVE = [status.value for status in Status if status not in TERMINAL]


def tell_of_ended_batches() -> int:
    """How many batches were found to have ended."""
    live = Task.objects.filter(batch=OuterRef("pk"), status__in=_LIVE)
    ended = Batch.objects.filter(~Exists(live), is_open=True).order_by("pk")
    return sum(_close(pk) for pk in ended.values_list("pk", flat=True)[:_AT_ONCE])


@transaction.atomic
def _close(batch_id: int) -> bool:
    """False: it was closed, or has a task to run again, since it was found."""
    batch = Batch.objects.select_for_update().filter(pk=batch_id, is_open=True).first()
    if batch is None or Task.objects.filter(batch=batch, status__in=_LIVE).exists():
        return False
    Batch.objects.filter(pk=batch_id).update(is_open=False)
    record_batch(EventType.BATCH_FINISHED, batch_id, batch.owner_id)
    return True
