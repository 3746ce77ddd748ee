"""Rules about many rows: who sees what, what is due, what was left behind.

Times are compared with the database's clock (`Now()`), so hosts' clocks do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self, cast

from django.db import connection, models
from django.db.models import F, Q
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


class TaskQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """The tasks that `user` may see: their own; staff see all."""
        return self if user.is_staff else self.filter(owner_id=user.pk)

    def due(self) -> Self:
        """PENDING and not waiting for any moment, the next to be called first."""
        rows = self.filter(where("status", Status.PENDING), wake_at__isnull=True)
        return through_index(rows, "task_due").order_by(RANK.desc(), "id")

    def ahead_of(self, priority: int, boost: int, task_id: int) -> Self:
        """Those of this selection that are called before such a task, or are that task."""
        ranked = self.annotate(rank=RANK)
        own = priority + boost
        return ranked.filter(Q(rank__gt=own) | Q(rank=own, pk__lte=task_id))

    def waiting(self) -> Self:
        """PENDING, but not before their `wake_at`; the next to wake first."""
        rows = self.filter(where("status", Status.PENDING), wake_at__isnull=False)
        return through_index(rows, "task_waiting").order_by("wake_at")

    def waking(self) -> Self:
        """PENDING tasks whose moment has come, still marked as waiting."""
        return self.waiting().filter(wake_at__lte=Now())

    def with_lapsed_lease(self) -> Self:
        """PROCESSING, but its worker was not heard of in time."""
        rows = self.filter(where("status", Status.PROCESSING), lease_expires_at__lt=Now())
        return through_index(rows, "task_lease")

    def past_expiry(self) -> Self:
        """PENDING tasks that nobody wants any more."""
        rows = self.filter(where("status", Status.PENDING), expires_at__lte=Now())
        return through_index(rows, "task_expiry")

    def for_me_alone(self) -> Self:
        """Lock the rows of this selection; rows that another worker holds are left out.

        SQLite has one writer at a time (BEGIN IMMEDIATE), so nothing needs a lock there.
        """
        if connection.features.has_select_for_update_skip_locked:
            return self.select_for_update(skip_locked=True, of=("self",))
        return self


def update_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    key: Sequence[str] = ("id",),
) -> None:
    """Write `names` of many rows with one prepared statement, in one round trip on PostgreSQL.

    rows: the values in the order of `names`, then those of `key`, which finds the row.
    `bulk_update` builds one CASE per field and row: many times the CPU at 128 rows.
    """
    table, columns, where_columns = _table(model), _columns(model, names), _columns(model, key)
    assignments = ", ".join(f"{column} = %s" for column in columns)
    condition = " AND ".join(f"{column} = %s" for column in where_columns)
    _write(model, [*names, *key], rows, f"UPDATE {table} SET {assignments} WHERE {condition}")  # noqa: S608


def insert_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows with these columns and defaults of the database for the others.

    `bulk_create` compiles every value of every row: a third of a claim's CPU.
    """
    columns = ", ".join(_columns(model, names))
    places = ", ".join(["%s"] * len(names))
    _write(model, names, rows, f"INSERT INTO {_table(model)} ({columns}) VALUES ({places})")  # noqa: S608


def _write(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], sql: str
) -> None:
    fields = [_field(model, name) for name in names]
    prepare = [(place, field) for place, field in enumerate(fields) if not _is_plain(field)]
    prepared = [_prepared(row, prepare) for row in rows]
    if prepared:
        with connection.cursor() as cursor:
            cursor.executemany(sql, prepared)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _columns(model: type[models.Model], names: Sequence[str]) -> list[str]:
    return [connection.ops.quote_name(str(_field(model, name).column)) for name in names]


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


def _is_plain(field: models.Field[Any, Any]) -> bool:
    """Every driver takes these values as they are."""
    return isinstance(
        field, models.CharField | models.TextField | models.IntegerField | models.BooleanField
    )


def _prepared(
    row: Sequence[Any], prepare: Sequence[tuple[int, models.Field[Any, Any]]]
) -> list[Any]:
    values = list(row)
    for place, field in prepare:
        if values[place] is not None:
            values[place] = field.get_db_prep_save(values[place], connection)
    return values
