"""Ended tasks told apart by the model that answered, by the template that made them; and what
answers that were used again have saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Count, Expression, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce, Concat

from tasks.models import PromptTemplate
from tasks.models.rollup import UNITS_A_DOLLAR
from tasks.querysets import TaskQuerySet
from tasks.stats.expressions import CostUnits, EpochBucket, run_ms
from tasks.vocabulary import Status

KINDS = MODEL, TEMPLATE, SAVED = "model", "template", "saved"
_COMPLETED = Q(status=Status.COMPLETED.value)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Tasks that agree in bucket, kind and key, see `TallyHour`. `owner_id` None: of any owner."""

    bucket: int
    kind: str
    key: str
    completed: int
    failed: int
    cost_units: int
    run_ms: int
    owner_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class TemplateFigures:
    """What the tasks made with one template came to within the range.

    failed_percent, mean_run_s: None where nothing has ended. cost_usd: of answers with a price.
    """

    id: int
    name: str
    completed: int
    failed: int
    failed_percent: float | None
    mean_run_s: float | None
    cost_usd: Decimal


def tallies(ended: TaskQuerySet, bucket_s: int, *, by_owner: bool = False) -> list[Tally]:
    """`ended`: the finished tasks to count."""
    return [
        tally
        for kind in KINDS
        for tally in read_tallies(kind, select_tallies(ended, bucket_s, kind, by_owner=by_owner))
    ]


def select_tallies(
    ended: TaskQuerySet, bucket_s: int, kind: str, *, by_owner: bool = False
) -> QuerySet[Any, dict[str, Any]]:
    """What `read_tallies` makes the tallies of that kind of."""
    also = ("owner_id",) if by_owner else ()
    some, key, cost = _of_kind(ended, kind)
    bucket = EpochBucket("finished_at", width_s=bucket_s)
    alike = some.order_by().annotate(bucket=bucket, key=key).values("bucket", "key", *also)
    groups: QuerySet[Any, dict[str, Any]] = alike.annotate(
        completed=Count("pk", filter=_COMPLETED),
        failed=Count("pk", filter=Q(status=Status.FAILED.value)),
        units=Coalesce(Sum(CostUnits(cost)), 0),
        ran_ms=Coalesce(Sum(run_ms(), filter=_COMPLETED), 0),
    )
    return groups


def _of_kind(ended: TaskQuerySet, kind: str) -> tuple[TaskQuerySet, Expression, str]:
    """The tasks to count, by what, and the column of their costs."""
    if kind == TEMPLATE:
        key: Expression = Cast("template_version__template", CharField())
        return ended.filter(template_version__isnull=False), key, "cost_usd"
    if kind == SAVED:
        return ended.filter(saved_usd__isnull=False), Value(""), "saved_usd"
    # By exclusion, as elsewhere: for `status = …` SQLite would leave the index on when they ended.
    answered = ended.exclude(status=Status.FAILED).exclude(status=Status.CANCELLED)
    return answered, Concat("served_provider", Value("/"), "served_model"), "cost_usd"


def read_tallies(kind: str, rows: Iterable[Mapping[str, Any]]) -> list[Tally]:
    return [
        Tally(
            bucket=row["bucket"], kind=kind, key=row["key"], completed=row["completed"],
            failed=row["failed"], cost_units=row["units"], run_ms=int(row["ran_ms"]),
            owner_id=row.get("owner_id"),
        )
        for row in rows
    ]  # fmt: skip


def answered_by_model(groups: Iterable[Tally]) -> dict[str, int]:
    """How many tasks each `provider/model` has answered."""
    found: dict[str, int] = {}
    for group in groups:
        if group.kind == MODEL:
            found[group.key] = found.get(group.key, 0) + group.completed
    return found


def total_saved(groups: Iterable[Tally]) -> Decimal:
    """What the answers that were used again had cost when they were given, in USD."""
    units = sum(group.cost_units for group in groups if group.kind == SAVED)
    return Decimal(units) / UNITS_A_DOLLAR


def template_figures(groups: Iterable[Tally]) -> tuple[TemplateFigures, ...]:
    """One row a template that made a task that ended, the busiest first."""
    own: dict[int, list[Tally]] = {}
    for group in groups:
        if group.kind == TEMPLATE:
            own.setdefault(int(group.key), []).append(group)
    names = dict(PromptTemplate.objects.filter(pk__in=list(own)).values_list("pk", "name"))
    rows = [_figures(key, names[key], parts) for key, parts in own.items() if key in names]
    return tuple(sorted(rows, key=lambda row: (-(row.completed + row.failed), row.name)))


def _figures(key: int, name: str, parts: list[Tally]) -> TemplateFigures:
    completed, failed = (
        sum(getattr(one, what) for one in parts) for what in ("completed", "failed")
    )
    ended, ran_ms = completed + failed, sum(one.run_ms for one in parts)
    return TemplateFigures(
        id=key,
        name=name,
        completed=completed,
        failed=failed,
        failed_percent=round(100 * failed / ended, 1) if ended else None,
        mean_run_s=round(ran_ms / completed / 1000, 3) if completed else None,
        cost_usd=Decimal(sum(one.cost_units for one in parts)) / UNITS_A_DOLLAR,
    )
