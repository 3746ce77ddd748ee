"""Where batches stand: read from their tasks through one covering index, so never stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Sum

from tasks.index_hints import through_index
from tasks.models import Batch, Task
from tasks.vocabulary import TERMINAL, Status


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How many tasks stand where. cost_usd: of all priced attempts' answers; None: none is priced.

    finished_at: when the last task ended; None while any has not.
    """

    counts: Mapping[Status, int]
    cost_usd: Decimal | None
    finished_at: datetime | None

    @property
    def status(self) -> Status:
        """Until all tasks have ended PENDING or PROCESSING; then the worst that befell one.

        So COMPLETED means that every task has its answer.
        """
        if self.counts[Status.PROCESSING]:
            return Status.PROCESSING
        if self.counts[Status.PENDING]:
            is_untouched = not any(self.counts[ended] for ended in TERMINAL)
            return Status.PENDING if is_untouched else Status.PROCESSING
        if self.counts[Status.CANCELLED]:
            return Status.CANCELLED
        return Status.FAILED if self.counts[Status.FAILED] else Status.COMPLETED


def progress_of(batches: Iterable[Batch]) -> dict[int, Progress]:
    """The progress of each batch, by its id."""
    ids = [batch.pk for batch in batches]
    found: dict[int, list[dict[str, Any]]] = {pk: [] for pk in ids}
    if ids:
        tasks = through_index(Task.objects.filter(batch_id__in=ids), "task_batch_progress")
        for row in (
            tasks.order_by()
            .values("batch_id", "status")
            .annotate(tasks=Count("*"), cost=Sum("cost_usd"), last=Max("finished_at"))
        ):
            found[row["batch_id"]].append(row)
    return {pk: _progress(rows) for pk, rows in found.items()}


def _progress(rows: list[dict[str, Any]]) -> Progress:
    counts = dict.fromkeys(Status, 0) | {Status(row["status"]): row["tasks"] for row in rows}
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    ends = [row["last"] for row in rows if row["last"] is not None]
    is_live = counts[Status.PENDING] or counts[Status.PROCESSING]
    return Progress(
        counts=counts,
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        finished_at=None if is_live or not ends else max(ends),
    )
