"""How the versions of a template do: what they cost, how long they take, how often they fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Q, Sum

from tasks.models import PromptTemplate, Task
from tasks.stats.expressions import Milliseconds
from tasks.vocabulary import Status


@dataclass(frozen=True, kw_only=True)
class VersionFigures:
    """Of the tasks made with one version. What no task tells yet is None.

    mean_run_seconds, truncated_percent: of the COMPLETED ones; failed_percent: of those that
    COMPLETED or FAILED. mean_cost_usd: of those with a known price.
    """

    tasks: int = 0
    completed: int = 0
    failed: int = 0
    failed_percent: float | None = None
    truncated_percent: float | None = None
    mean_run_seconds: float | None = None
    cost_usd: Decimal | None = None
    mean_cost_usd: Decimal | None = None


def version_figures(template: PromptTemplate) -> Mapping[int, VersionFigures]:
    """By the number of each version that any task was made with."""
    is_completed = Q(status=Status.COMPLETED.value)
    rows = (
        Task.objects.filter(template_version__template=template)
        .order_by()
        .values("template_version__number")
        .annotate(
            tasks=Count("pk"),
            completed=Count("pk", filter=is_completed),
            failed=Count("pk", filter=Q(status=Status.FAILED.value)),
            cut=Count("pk", filter=is_completed & Q(truncated=True)),
            run_ms=Avg(Milliseconds("started_at", "finished_at"), filter=is_completed),
            cost=Sum("cost_usd"),
            priced=Count("cost_usd"),
        )
    )
    return {row["template_version__number"]: _figures(row) for row in rows}


def _figures(row: Mapping[str, Any]) -> VersionFigures:
    ended = row["completed"] + row["failed"]
    is_priced = row["cost"] is not None
    return VersionFigures(
        tasks=row["tasks"],
        completed=row["completed"],
        failed=row["failed"],
        failed_percent=_percent(row["failed"], ended),
        truncated_percent=_percent(row["cut"], row["completed"]),
        mean_run_seconds=None if row["run_ms"] is None else round(float(row["run_ms"]) / 1000, 3),
        cost_usd=row["cost"],
        mean_cost_usd=round(row["cost"] / row["priced"], 10) if is_priced else None,
    )


def _percent(part: int, whole: int) -> float | None:
    return round(part / whole * 100, 1) if whole else None
