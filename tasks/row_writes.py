"""Writing many rows at once, at a fraction of what `bulk_update` and `bulk_create` cost.

Those compile every value of every row: a third of the engine's CPU. Here PostgreSQL gets one
statement with an array a column, SQLite one prepared statement run for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from django.db import connection, models

Row = Sequence[Any]
Field: TypeAlias = "models.Field[Any, Any]"  # the stubs' parameters do not exist at run time


def update_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Row],
    key: Sequence[str] = ("id",),
) -> None:
    """Write the columns `names` of many rows.

    rows: the values in the order of `names`, then those of `key`, which finds the row.
    """
    prepared = _prepared(model, [*names, *key], rows)
    if not prepared:
        return
    table, columns, found_by = _table(model), _columns(model, names), _columns(model, key)
    if connection.vendor == "postgresql":
        changes = ", ".join(f"{column} = new.{column}" for column in columns)
        match = " AND ".join(f"{table}.{column} = new.{column}" for column in found_by)
        source = _arrays(model, [*names, *key])
        _execute_once(f"UPDATE {table} SET {changes} FROM {source} WHERE {match}", prepared)  # noqa: S608
    else:
        changes = ", ".join(f"{column} = %s" for column in columns)
        match = " AND ".join(f"{column} = %s" for column in found_by)
        _execute_each(f"UPDATE {table} SET {changes} WHERE {match}", prepared)  # noqa: S608


def insert_rows(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Row],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Insert rows with these columns; the others must be nullable or the database's own.

    rows: the values in the order of `names`; JSON as text. same: columns alike in all rows.
    """
    prepared = _prepared(model, names, rows)
    if not prepared:
        return
    (alike,) = _prepared(model, list(same or {}), [list((same or {}).values())])
    into = f"INSERT INTO {_table(model)} ({', '.join(_columns(model, [*(same or {}), *names]))})"
    if connection.vendor == "postgresql":
        values = ", ".join(["%s"] * len(alike) + [f"new.{name}" for name in _columns(model, names)])
        sql = f"{into} SELECT {values} FROM {_arrays(model, names)}"  # noqa: S608
        _execute_once(sql, prepared, alike)
    else:
        values = ", ".join(["%s"] * (len(alike) + len(names)))
        _execute_each(f"{into} VALUES ({values})", [[*alike, *row] for row in prepared])


def _execute_once(sql: str, rows: Sequence[Row], alike: Row = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, [*alike, *(list(column) for column in zip(*rows, strict=True))])


def _execute_each(sql: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _arrays(model: type[models.Model], names: Sequence[str]) -> str:
    """The rows as a table `new`, from one array parameter a column."""
    types = [_array_type(_field(model, name)) for name in names]
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    return f"unnest({arrays}) AS new({', '.join(_columns(model, names))})"


def _array_type(field: Field) -> str:
    """A key's own type would be `serial`, which no array can have; `rel_db_type` is `bigint`."""
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return str(kind)


def _prepared(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Row]
) -> list[list[Any]]:
    """The values as the driver takes them; equal ones, of which there are many, converted once."""
    fields = [_field(model, name) for name in names]
    special = [(place, field) for place, field in enumerate(fields) if not _is_plain(field)]
    known: dict[tuple[int, Any], Any] = {}
    prepared = [list(row) for row in rows]
    for row in prepared:
        for place, field in special:
            value = row[place]
            if value is None:
                continue
            if (place, value) not in known:
                known[place, value] = field.get_db_prep_save(value, connection)
            row[place] = known[place, value]
    return prepared


def _is_plain(field: Field) -> bool:
    """Every driver takes these values as they are; JSON comes as text."""
    plain = (
        models.CharField,
        models.TextField,
        models.IntegerField,
        models.BooleanField,
        models.JSONField,
    )
    return isinstance(field, plain)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _columns(model: type[models.Model], names: Sequence[str]) -> list[str]:
    return [connection.ops.quote_name(str(_field(model, name).column)) for name in names]


def _field(model: type[models.Model], name: str) -> Field:
    return cast("Field", model._meta.get_field(name))
