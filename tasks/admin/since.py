"""Filters by time, over the same ranges as the stats page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tasks.models import Task
from tasks.stats import StatsRange
from tasks.stats.behind import TODAY, range_start

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


class SinceFilter(admin.SimpleListFilter):
    """Something happened within a range that ends now. `index` is the index on `column`."""

    column: ClassVar[str]
    index: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        ranges = [(look_back.value, look_back.words) for look_back in StatsRange]
        return [*ranges, (TODAY, "today, UTC")]

    def since(self) -> datetime | None:
        """Where the range begins; None: any time will do."""
        return range_start(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        since = self.since()
        return queryset if since is None else queryset.filter(**{f"{self.column}__gte": since})

    def is_narrow(self, most: int) -> bool:
        """Are there at most so many tasks in the range, whatever else is asked for?"""
        within = Task.objects.filter(**{f"{self.column}__gte": self.since()}).order_by()
        return within.values("pk")[: most + 1].count() <= most


class FinishedFilter(SinceFilter):
    """Ended within the range."""

    title = "finished within"
    parameter_name = "finished"
    column = "finished_at"
    index = "task_finished"


class CreatedFilter(SinceFilter):
    """Submitted within the range."""

    title = "created within"
    parameter_name = "created"
    column = "created_at"
    index = "task_created"
