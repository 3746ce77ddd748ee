"""Queries that are asked all day long: Django writes their SQL once for each connection.

Writing it costs ten times what SQLite or PostgreSQL take to answer a look by a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import QuerySet

Row = TypeVar("Row")

_FIRST_MARKER = 31_001  # fits the smallest integer column

Given = int | str | datetime


class Prepared(Generic[Row]):
    """Called with values, the rows that `build` selects by them.

    build: makes the query of one value or several. They must be integers, texts or moments that go
    into the query as they are, and must not decide its shape: it is called once, with markers for
    values.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build

    def __call__(self, *values: Given) -> list[Row]:
        return self._of_this_connection(values).fetch(values)

    def iterate(self, *values: Given) -> Iterator[Row]:
        """The rows as they are read, however many they are."""
        yield from self._of_this_connection(values).iterate(values)

    def first(self, *values: Given) -> Row | None:
        return next(iter(self(*values)), None)

    def _of_this_connection(self, values: tuple[Given, ...]) -> _Compiled[Row]:
        # Kept with the connection's object, which is one thread's alone and dies with it.
        known: dict[Prepared[Any], _Compiled[Any]]
        known = vars(connections["default"]).setdefault("prepared_queries", {})
        if self not in known:
            markers = [_marker(value, place) for place, value in enumerate(values)]
            known[self] = _Compiled(self._build(*markers), markers)
        return known[self]


class _Compiled(Generic[Row]):
    """One query of one connection: all of Django's own machinery, but the writing of the SQL."""

    def __init__(self, rows: QuerySet[Any, Row], markers: list[Given]) -> None:
        self._rows: Any = rows
        self._compiler: Any = self._rows.query.get_compiler(using=rows.db)
        self._sql, parameters = self._compiler.as_sql()
        self._parameters = list(parameters)
        self._places = [
            [place for place, found in enumerate(self._parameters) if found == marker]
            for marker in self._adapted(markers)
        ]
        if not all(self._places):
            raise ValueError(f"a value does not reach the SQL as it is: {self._sql}")
        # One query, one compiler: this object's alone, so nobody else's SQL is replaced.
        self._rows.query.get_compiler = lambda *_, **__: self._compiler  # type: ignore[method-assign]
        self._compiler.as_sql = self._as_sql
        self._find_converters = self._compiler.get_converters
        self._compiler.get_converters = self._converters_of
        self._converters: dict[int, Any] | None = None

    def fetch(self, values: tuple[Given, ...]) -> list[Row]:
        self._put_in(values)
        return list(self._rows._iterable_class(self._rows))

    def iterate(self, values: tuple[Given, ...]) -> Iterator[Row]:
        self._put_in(values)
        rows: Iterator[Row] = self._rows.iterator()
        return rows

    def _put_in(self, values: tuple[Given, ...]) -> None:
        for places, value in zip(self._places, self._adapted(values), strict=True):
            for place in places:
                self._parameters[place] = value

    def _adapted(self, values: Iterable[Given]) -> Iterator[Any]:
        """As Django hands them to the database: SQLite knows no moments."""
        adapt = self._compiler.connection.ops.adapt_datetimefield_value
        return (adapt(value) if isinstance(value, datetime) else value for value in values)

    def _converters_of(self, columns: Any) -> dict[int, Any]:
        """Of columns that are the same each time."""
        if self._converters is None:
            self._converters = self._find_converters(columns)
        return self._converters

    def _as_sql(self, *arguments: Any, **options: Any) -> tuple[str, tuple[Any, ...]]:
        return self._sql, tuple(self._parameters)


def _marker(value: Given, place: int) -> Given:
    number = _FIRST_MARKER + place
    if isinstance(value, datetime):
        return datetime.fromtimestamp(number, UTC)
    return number if isinstance(value, int) else f"prepared-{number}"
