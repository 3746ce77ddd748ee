"""Retention: ended tasks that are older than anybody wants to keep are removed for good."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from tasks.conf import get_conf
from tasks.models import Batch, Task, TaskBlock
from tasks.querysets import database_now
from tasks.vocabulary import TERMINAL

LOOK_EVERY_S = 60.0
_AT_ONCE = 500


def prune() -> int:
    """Remove some of the tasks, with their attempts, that ended over TASKRUNNER_RETENTION_DAYS
    ago, and the batches that this empties; a look removes a bounded number, so nobody waits for
    it. Returns how many tasks went."""
    days = get_conf().retention_days
    if days is None:
        return 0
    limit = database_now() - timedelta(days=days)
    old = Task.objects.filter(finished_at__lt=limit, status__in=list(TERMINAL))
    ids = list(old.order_by("finished_at").values_list("pk", flat=True)[:_AT_ONCE])
    with transaction.atomic():
        TaskBlock.forget(ids)
        Task.objects.filter(pk__in=ids, status__in=list(TERMINAL)).delete()
    Batch.objects.filter(created_at__lt=limit, is_open=False, tasks__isnull=True).delete()
    return len(ids)
