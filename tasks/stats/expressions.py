"""SQL that SQLite and PostgreSQL spell differently, as expressions that the ORM can group by.

Nothing here calls back into Python for each row, as Django's own Trunc and Ln do on SQLite.
"""

from __future__ import annotations

from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Expression,
    F,
    Func,
    OuterRef,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest

from tasks.models import Attempt
from tasks.models.rollup import UNITS_A_DOLLAR
from tasks.vocabulary import Provider, ResultSource


class EpochBucket(Func):
    """Number of the bucket of `width_s` seconds, counted from 1970, that a moment falls into."""

    output_field = BigIntegerField()
    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / %(width)d)::bigint"

    def __init__(self, expression: str, *, width_s: int) -> None:
        super().__init__(expression, width=width_s)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # Cut to the second: SQLite rounds to milliseconds, the last half of one up into the next.
        second = "strftime('%%%%s', substr(%(expressions)s, 1, 19))"
        template = f"(CAST({second} AS INTEGER) / %(width)d)"
        return super().as_sql(compiler, connection, template=template, **extra)


class Milliseconds(Func):
    """Whole milliseconds from the first moment to the second; below zero if they are swapped."""

    arity = 2
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        start, start_params = compiler.compile(self.source_expressions[0])
        end, end_params = compiler.compile(self.source_expressions[1])
        sql = f"(EXTRACT(EPOCH FROM ({end}) - ({start})) * 1000)::bigint"
        return sql, (*end_params, *start_params)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        start, start_params = compiler.compile(self.source_expressions[0])
        end, end_params = compiler.compile(self.source_expressions[1])
        sql = f"CAST(ROUND((julianday({end}) - julianday({start})) * 86400000) AS INTEGER)"
        return sql, (*end_params, *start_params)


class CostUnits(Func):
    """Dollars as whole ten-billionths: SQLite keeps money as floats, whose sums are not exact."""

    arity = 1
    output_field = BigIntegerField()
    template = f"(%(expressions)s * {UNITS_A_DOLLAR})::bigint"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = f"CAST(ROUND(%(expressions)s * {UNITS_A_DOLLAR}.0) AS INTEGER)"
        return super().as_sql(compiler, connection, template=template, **extra)


def queue_ms() -> Expression:
    """From when a task could have run first to its first call, as `Task.queue_seconds`."""
    due_at = Greatest("created_at", Coalesce("run_after", "created_at"))
    return Milliseconds(due_at, F("started_at"))


def run_ms() -> Expression:
    """From a task's first call to its end, as `Task.run_seconds`."""
    return Milliseconds(F("started_at"), F("finished_at"))


def answering_provider() -> Expression:
    """Who answered a finished task; for one without an answer, whom it was tried with last.

    Only rows without an answer pay for the look at their attempts.
    """
    return Case(
        When(result_source=ResultSource.MOCK.value, then=Value(Provider.MOCK.value)),
        When(served_provider__gt="", then=F("served_provider")),
        default=last_tried(),
        output_field=CharField(),
    )


def last_tried() -> Expression:
    """Whom a task was called at last; of one that never was, who was asked."""
    last = Attempt.objects.filter(task=OuterRef("pk")).order_by("-number").values("provider")[:1]
    return Coalesce(Subquery(last), Cast("provider", CharField()))
