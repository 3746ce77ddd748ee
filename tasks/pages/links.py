"""From a figure to the tasks behind it: the admin's list, with the filters that it counts by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from tasks.pages.tiles import tasks_page
from tasks.stats import StatsRange


@dataclass(frozen=True, kw_only=True)
class Links:
    """`is_on` False: every link is empty, for readers who may not follow it."""

    look_back: StatsRange
    is_on: bool

    def now(self, **filters: str) -> str:
        """Of all tasks that exist."""
        return tasks_page(**filters) if self.is_on else ""

    def ended(self, **filters: str) -> str:
        """Of those that ended within the range."""
        return self.now(**filters, finished=self.look_back.value)

    def called(self, served: str, outcome: str = "") -> str:
        """Of those with a call that ended within the range. served: `provider` or
        `provider/model`; outcome: of the call, any if empty."""
        return self.now(called=f"{self.look_back.value}:{outcome}:{served}")

    def waiting(self, reason: str) -> str:
        return self.now(waiting="later", waiting_reason__exact=reason) if reason else ""

    def bar(self, start: datetime) -> str:
        """Of one bar of the chart; the first begins where the range does."""
        end = start + timedelta(seconds=self.look_back.bucket_s)
        return self.ended(finished_at__gte=start.isoformat(), finished_at__lt=end.isoformat())

    def template(self, key: int) -> str:
        return reverse("admin:tasks_prompttemplate_change", args=[key]) if self.is_on else ""
