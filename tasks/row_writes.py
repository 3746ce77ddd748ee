"""Writing many rows at once, at a fraction of what `bulk_update` and `bulk_create` cost.

Those compile every value of every row: a third of the engine's CPU. Here PostgreSQL gets one
statement with an array for each column whose values differ, SQLite one prepared statement run for
each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from django.db import connection, models

Row = Sequence[Any]
Field: TypeAlias = "models.Field[Any, Any]"  # the stubs' parameters do not exist at run time


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column and its value for each row, as the driver takes it."""

    field: Field
    values: Sequence[Any]

    @property
    def name(self) -> str:
        """Quoted."""
        return connection.ops.quote_name(str(self.field.column))

    @property
    def kind(self) -> str:
        """Its type. A key's own would be `serial`, which no array can have."""
        field = self.field
        return str(
            field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
        )

    @property
    def is_alike(self) -> bool:
        """Most columns of most statements hold the same value in all rows: said once."""
        return self.values.count(self.values[0]) == len(self.values)


def update_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Row],
    key: Sequence[str] = ("id",),
) -> None:
    """Write the columns `names` of many rows.

    rows: the values in the order of `names`, then those of `key`, which finds the row.
    """
    columns = _columns(model, [*names, *key], rows)
    if not columns:
        return
    table, written, found_by = _table(model), columns[: len(names)], columns[len(names) :]
    if connection.vendor == "postgresql":
        alike = [column for column in written if column.is_alike]
        listed = [column for column in written if not column.is_alike]
        changes = ", ".join(
            [f"{column.name} = %s::{column.kind}" for column in alike]
            + [f"{column.name} = new.{column.name}" for column in listed]
        )
        match = " AND ".join(f"{table}.{column.name} = new.{column.name}" for column in found_by)
        source = _arrays([*listed, *found_by])
        sql = f"UPDATE {table} SET {changes} FROM {source} WHERE {match}"  # noqa: S608
        _execute_once(sql, alike, [*listed, *found_by])
    else:
        changes = ", ".join(f"{column.name} = %s" for column in written)
        match = " AND ".join(f"{column.name} = %s" for column in found_by)
        _execute_each(f"UPDATE {table} SET {changes} WHERE {match}", columns)  # noqa: S608


def insert_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Row],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows with these columns; the others must be nullable or the database's own.

    rows: the values in the order of `names`; JSON as text. same: columns alike in all rows.
    """
    alike_in_all = tuple((same or {}).values())
    columns = _columns(model, [*names, *(same or {})], ([*row, *alike_in_all] for row in rows))
    if not columns:
        return
    if connection.vendor == "postgresql":
        listed = [column for column in columns if not column.is_alike] or columns[:1]
        alike = [column for column in columns if column not in listed]
        into = ", ".join(column.name for column in [*alike, *listed])
        values = ", ".join(
            [f"%s::{column.kind}" for column in alike] + [f"new.{column.name}" for column in listed]
        )
        sql = f"INSERT INTO {_table(model)} ({into}) SELECT {values} FROM {_arrays(listed)}"  # noqa: S608
        _execute_once(sql, alike, listed)
    else:
        into = ", ".join(column.name for column in columns)
        marks = ", ".join(["%s"] * len(columns))
        _execute_each(f"INSERT INTO {_table(model)} ({into}) VALUES ({marks})", columns)  # noqa: S608


def _execute_once(sql: str, alike: Iterable[_Column], listed: Iterable[_Column]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(c.values[0] for c in alike), *(list(c.values) for c in listed)])


def _execute_each(sql: str, columns: Iterable[_Column]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(sql, list(zip(*(column.values for column in columns), strict=True)))


def _arrays(columns: Sequence[_Column]) -> str:
    """The rows as a table `new`, from one array parameter a column."""
    arrays = ", ".join(f"%s::{column.kind}[]" for column in columns)
    return f"unnest({arrays}) AS new({', '.join(column.name for column in columns)})"


def _columns(model: type[models.Model], names: Sequence[str], rows: Iterable[Row]) -> list[_Column]:
    """The rows turned into columns; none if there is no row."""
    lists = list(zip(*rows, strict=True)) or [()] * len(names)
    columns = [_column(_field(model, name), one) for name, one in zip(names, lists, strict=True)]
    return columns if columns[0].values else []


def _column(field: Field, values: Sequence[Any]) -> _Column:
    """Equal values, of which there are many, are converted once."""
    if not _is_plain(field):
        known = {v: field.get_db_prep_save(v, connection) for v in {*values} - {None}}
        values = tuple(known.get(value) for value in values)
    return _Column(field=field, values=values)


def _is_plain(field: Field) -> bool:
    """Every driver takes these values as they are; JSON comes as text."""
    plain = (
        models.CharField,
        models.TextField,
        models.IntegerField,
        models.BooleanField,
        models.JSONField,
        models.ForeignKey,
    )
    return isinstance(field, plain)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _field(model: type[models.Model], name: str) -> Field:
    return cast("Field", model._meta.get_field(name))
