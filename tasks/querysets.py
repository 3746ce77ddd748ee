"""Rules about many rows: who sees what, what is due, what was left behind.

Times are compared with the database's clock (`Now()`), so hosts' clocks do not matter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import connection, models
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from tasks.index_hints import through_index, where
from tasks.vocabulary import Status


def database_now() -> datetime:
    """The database's clock. SQLite has none of its own: its host's is the only one there is."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment


# What orders the queue: the priority and what waiting has added to it.
RANK = F("priority") + F("boost")


class OwnedQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """The rows that `user` may see: their own; staff see all."""
        return self if user.is_staff else self.filter(owner_id=user.pk)


class TaskQuerySet(OwnedQuerySet):
    def due(self) -> Self:
        """PENDING and not waiting for any moment, the next to be called first."""
        rows = self.filter(where("status", Status.PENDING), wake_at__isnull=True)
        return through_index(rows, "task_due").order_by(RANK.desc(), "id")

    def above(self, rank: int) -> Self:
        """Those of this selection that go before any task of this rank."""
        return self.annotate(rank=RANK).filter(rank__gt=rank)

    def of_rank_until(self, rank: int, task_id: int) -> Self:
        """Those of this rank that go before this task, and the task itself."""
        return self.annotate(rank=RANK).filter(rank=rank, pk__lte=task_id)

    def waiting(self) -> Self:
        """PENDING, but not before their `wake_at`; the next to wake first."""
        rows = self.filter(where("status", Status.PENDING), wake_at__isnull=False)
        return through_index(rows, "task_waiting").order_by("wake_at")

    def waking(self) -> Self:
        """PENDING tasks whose moment has come, still marked as waiting."""
        return self.waiting().filter(wake_at__lte=Now())

    def held_by(self, gate: str) -> Self:
        """PENDING tasks that wait for this shared limit, the next to be let in first."""
        return self.held().filter(held_by=gate).order_by(RANK.desc(), "id")

    def held_by_none_of(self, gates: list[str]) -> Self:
        """PENDING tasks that wait for a limit other than these."""
        return self.held().exclude(held_by__in=gates)

    def held(self) -> Self:
        """PENDING tasks that wait for any limit."""
        rows = self.filter(where("status", Status.PENDING), held_by__isnull=False)
        return through_index(rows, "task_held").order_by("held_by")

    def with_lapsed_lease(self) -> Self:
        """PROCESSING, but its worker was not heard of in time."""
        rows = self.filter(where("status", Status.PROCESSING), lease_expires_at__lt=Now())
        return through_index(rows, "task_lease")

    def past_expiry(self) -> Self:
        """PENDING tasks that nobody wants any more."""
        rows = self.filter(where("status", Status.PENDING), expires_at__lte=Now())
        return through_index(rows, "task_expiry")

    def is_any(self) -> bool:
        """A look without a lock. `exists()` drops the order, and with it, on PostgreSQL, the index
        that would end the look at its first row."""
        return bool(self.values_list("pk", flat=True)[:1])

    def for_me_alone(self) -> Self:
        """Lock the rows of this selection; rows that another worker holds are left out.

        SQLite has one writer at a time (BEGIN IMMEDIATE), so nothing needs a lock there.
        """
        if connection.features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, of=("self",))
        return self


class AttemptQuerySet(models.QuerySet[Any]):
    def under_way(self) -> Self:
        """Calls that their tasks still wait for: neither cancelled nor given up for lost."""
        return self.filter(
            outcome="", task__status=Status.PROCESSING, lease_token=F("task__lease_token")
        )
