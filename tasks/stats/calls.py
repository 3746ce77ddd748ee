"""Provider calls that ended, counted row by row: what they used, and what they cost.

Money is counted here and not on tasks: a failed try and a late answer may have cost some, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tasks.models import Attempt
from tasks.models.rollup import UNITS_A_DOLLAR
from tasks.stats.expressions import CostUnits, EpochBucket
from tasks.vocabulary import Outcome, Provider

# The mock is free; of a call that failed nobody expects a price.
_UNPRICED = Q(cost_usd=None, outcome=Outcome.SUCCEEDED) & ~Q(provider=Provider.MOCK)


@dataclass(frozen=True, kw_only=True)
class CallGroup:
    """Calls that agree in bucket, provider, model and outcome. `owner_id` None: of any owner."""

    bucket: int
    provider: str
    model: str
    outcome: str
    count: int
    cost_units: int
    unpriced: int
    prompt_tokens: int
    completion_tokens: int
    owner_id: int | None = None

    @property
    def cost_usd(self) -> Decimal:
        return Decimal(self.cost_units) / UNITS_A_DOLLAR


def ended_calls(within: Q) -> QuerySet[Attempt]:
    """Attempts with an outcome. The providers are named so that their index serves the look."""
    return Attempt.objects.filter(within, provider__in=list(Provider)).exclude(outcome="")


def call_groups(
    ended: QuerySet[Attempt], bucket_s: int, *, by_owner: bool = False
) -> list[CallGroup]:
    """`ended`: the calls to count."""
    return read_calls(select_calls(ended, bucket_s, by_owner=by_owner))


def select_calls(
    ended: QuerySet[Attempt], bucket_s: int, *, by_owner: bool = False
) -> QuerySet[Any, dict[str, Any]]:
    """What `read_calls` makes the groups of."""
    also = ("task__owner_id",) if by_owner else ()
    marked = ended.order_by().annotate(bucket=EpochBucket("finished_at", width_s=bucket_s))
    alike = marked.values("bucket", "provider", "model", "outcome", *also)
    groups: QuerySet[Any, dict[str, Any]] = alike.annotate(
        count=Count("pk"),
        cost_units=Coalesce(Sum(CostUnits("cost_usd")), 0),
        unpriced=Count("pk", filter=_UNPRICED),
        tokens_in=Coalesce(Sum("prompt_tokens"), 0),
        tokens_out=Coalesce(Sum("completion_tokens"), 0),
    )
    return groups


def read_calls(rows: Iterable[Mapping[str, Any]]) -> list[CallGroup]:
    return [
        CallGroup(
            bucket=row["bucket"],
            provider=row["provider"],
            model=row["model"],
            outcome=row["outcome"],
            count=row["count"],
            cost_units=row["cost_units"],
            unpriced=row["unpriced"],
            prompt_tokens=row["tokens_in"],
            completion_tokens=row["tokens_out"],
            owner_id=row.get("task__owner_id"),
        )
        for row in rows
    ]
