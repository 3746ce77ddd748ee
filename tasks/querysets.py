"""Rules about many rows: who sees what, what is due, what was left behind.

Times are compared with the database's clock (`Now()`), so hosts' clocks do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from tasks.vocabulary import Status

if TYPE_CHECKING:
    from tasks.models import Task

type_user = AbstractBaseUser | AnonymousUser


def database_now() -> datetime:
    """The database's clock. SQLite has none of its own: its host's is the only one there is."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: Any) -> Self:
        """The tasks that `user` may see: their own; staff see all."""
        return self if user.is_staff else self.filter(owner_id=user.pk)

    def due(self) -> Self:
        """PENDING and not waiting for any moment, the next to be called first."""
        return self.filter(status=Status.PENDING, wake_at__isnull=True).order_by("-priority", "id")

    def waking(self) -> Self:
        """PENDING tasks whose moment has come, still marked as waiting."""
        return self.filter(status=Status.PENDING, wake_at__lte=Now())

    def with_lapsed_lease(self) -> Self:
        """PROCESSING, but its worker was not heard of in time."""
        return self.filter(status=Status.PROCESSING, lease_expires_at__lt=Now())

    def past_expiry(self) -> Self:
        """PENDING tasks that nobody wants any more."""
        return self.filter(status=Status.PENDING, expires_at__lte=Now())

    def for_me_alone(self) -> Self:
        """Lock the rows of this selection; rows that another worker holds are left out.

        SQLite has one writer at a time (BEGIN IMMEDIATE), so nothing needs a lock there.
        """
        if connection.features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, of=("self",))
        return self


def update_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], guard: str = ""
) -> None:
    """Write `names` of many rows with one prepared statement, in one round trip on PostgreSQL.

    rows: the values in the order of `names`, then the primary key. `guard` is more SQL for the
    WHERE clause, without parameters. `bulk_update` builds one CASE per field and row: measured
    many times the CPU at 128 rows.
    """
    meta = model._meta
    fields = [meta.get_field(name) for name in names]
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in fields)  # type: ignore[union-attr]
    where = f"{quote('id')} = %s" + (f" AND {guard}" if guard else "")
    prepared = [
        [
            field.get_db_prep_save(value, connection)  # type: ignore[union-attr]
            for field, value in zip(fields, row[:-1], strict=True)
        ]
        + [row[-1]]
        for row in rows
    ]
    if not prepared:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(meta.db_table)} SET {assignments} WHERE {where}",  # noqa: S608
            prepared,
        )
