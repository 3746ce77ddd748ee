"""Making SQLite use a partial index; PostgreSQL does so by itself.

SQLite cannot prove `status = ?` to be an index's `status = 'PENDING'` before it knows the value,
and without statistics it prefers the index on status alone: measured, a claim behind 100,000
waiting rows then reads them all. So the constant is written out and the index is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar, cast

from django.db import connection, models
from django.db.models import F, Func, Value
from django.db.models.expressions import RawSQL
from django.db.models.lookups import Exact, GreaterThan, In
from django.db.models.sql.datastructures import BaseTable

_EVERY_ROW = 2**31

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


class Constant(Value):
    """A word of the vocabulary, written into the SQL instead of being bound."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return f"'{self.value}'", ()


class Unindexed(Func):
    """A column, so written that SQLite takes no index of it; to PostgreSQL it is the column."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return super().as_sql(compiler, connection, template="+%(expressions)s", **extra)


class Unsorted(Unindexed):
    """A column to sort by that no index is in the order of, to PostgreSQL either."""

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        twice = "GREATEST(%(expressions)s, %(expressions)s)"
        return super().as_sql(compiler, connection, template=twice, **extra)


class Pair(Func):
    """Two columns compared with two values as one, which PostgreSQL finds at once in an index on
    both, however many rows are equal in the first. Django writes this as ORs for SQLite, and then
    nothing bounds the scan."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, first: Any, second: Any, sign: str, values: tuple[Any, Any]) -> None:
        super().__init__(first, second, *(Value(one) for one in values))
        self.sign = sign

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> Any:
        compiled = [compiler.compile(one) for one in self.source_expressions]
        first, second, *values = (sql for sql, _ in compiled)
        sql = f"({first}, {second}) {self.sign} ({values[0]}, {values[1]})"
        return sql, [one for _, params in compiled for one in params]


class _IndexedTable(BaseTable):
    index: str | None

    def relabeled_clone(self, change_map: dict[str | None, str]) -> _IndexedTable:
        """The same in a subquery, where the table has another alias."""
        clone = cast("_IndexedTable", super().relabeled_clone(change_map))
        clone.index = self.index
        return clone

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = super().as_sql(compiler, connection)
        if self.index is None:
            return f"{sql} NOT INDEXED", params
        return f"{sql} INDEXED BY {connection.ops.quote_name(self.index)}", params


def where(column: str, word: StrEnum) -> Exact[Any]:
    """`column` is `word`, as a condition that a partial index can be matched with."""
    return Exact(F(column), Constant(word.value))


IS_TROUBLED = GreaterThan(F("error_code"), Constant(""))
"""Any error code, as a condition that the partial index of tasks in trouble can be matched with."""


def is_among(column: str, words: Iterable[str]) -> In[Any]:
    """`column` is one of `words`, as a condition that a partial index can be matched with."""
    return In(F(column), [Constant(word) for word in words])


def through_index(rows: Rows, name: str | None) -> Rows:
    """The same rows, found through the index of that name; None: through their ids alone."""
    if connection.vendor != "sqlite":
        return rows
    hinted: Rows = rows.all()
    query = hinted.query
    alias = query.get_initial_alias()
    table = _IndexedTable(query.alias_map[alias].table_name, alias)
    table.index = name
    query.alias_map[alias] = table
    return hinted


def first_of(rows: models.QuerySet[Any], field: str, most: int, *, is_falling: bool) -> RawSQL:
    """The keys of the first `most` of all `rows` by `field`, then by key, to be looked up with
    `pk__in`. rows: by key already, in the same direction.

    Found in the order that equal ones have in the end, hardly any row displaces another: half the
    time of a sort in any order. A planner would leave the inner order out but for the limit.
    """
    inner = rows.values("pk", field)[:_EVERY_ROW]
    sql, params = inner.query.get_compiler(connection=connection).as_sql()
    way, name = "DESC" if is_falling else "ASC", connection.ops.quote_name(field)
    order = f"ORDER BY {name} {way}, pk {way} LIMIT {most:d}"
    return RawSQL(f"SELECT pk FROM ({sql}) AS found {order}", params)  # noqa: S608, S611 - its names are the model's
