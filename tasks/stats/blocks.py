"""How many tasks exist: whole blocks of ids from their rows, the rest counted as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q

from tasks.models import Task, TaskBlock
from tasks.models.task_block import TASKS_A_BLOCK
from tasks.querysets import TaskQuerySet

_SETTLED = timedelta(hours=1)
"""Ids are given out before a submit commits; none takes so long."""


def count_tasks(tasks: TaskQuerySet, owner_id: int | None) -> int:
    """tasks: those of `owner_id`; of everybody if that is None."""
    whose = Q(owner__isnull=True) | Q(owner=owner_id)
    rows = list(TaskBlock.objects.filter(whose).values_list("number", "owner", "count"))
    counted = sorted(number for number, owner, _ in rows if owner is None)
    found: int = sum(count for _, owner, count in rows if owner == owner_id)
    for start, end in _between(counted):
        rest = tasks.filter(pk__gte=start * TASKS_A_BLOCK) if start else tasks
        rest = rest if end is None else rest.filter(pk__lt=end * TASKS_A_BLOCK)
        found += rest.order_by().count()
    return found


def _between(counted: list[int]) -> Iterator[tuple[int, int | None]]:
    """The spans of blocks that are not among these; the last one is open."""
    start = 0
    for number in counted:
        if start < number:
            yield start, number
        start = number + 1
    yield start, None


def count_blocks(now: datetime) -> None:
    """Count the blocks that got all their tasks and have no row, or lost it with a task."""
    old = Task.objects.filter(created_at__lt=now - _SETTLED).order_by("-created_at")
    newest = old.values_list("pk", flat=True).first()
    oldest = Task.objects.order_by("pk").values_list("pk", flat=True).first()
    if newest is None or oldest is None:
        return
    blocks = range(oldest // TASKS_A_BLOCK, (newest + 1) // TASKS_A_BLOCK)
    counted = TaskBlock.objects.filter(owner__isnull=True, number__gte=blocks.start)
    for number in sorted(set(blocks) - set(counted.values_list("number", flat=True))):
        _count_block(number)


@transaction.atomic
def _count_block(number: int) -> None:
    _wait_for_deletes()
    start = number * TASKS_A_BLOCK
    rows = Task.objects.filter(pk__gte=start, pk__lt=start + TASKS_A_BLOCK).order_by()
    counts = dict(rows.values_list("owner").annotate(count=Count("pk")))
    counts[None] = sum(counts.values())
    TaskBlock.objects.filter(number=number).delete()
    TaskBlock.objects.bulk_create(
        TaskBlock(number=number, owner_id=owner_id, count=count)
        for owner_id, count in counts.items()
    )


def _wait_for_deletes() -> None:
    """Of tasks: whoever deletes one deletes its block's row too, before this or after it. SQLite
    has one writer at a time."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {TaskBlock._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
