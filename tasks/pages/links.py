"""From a figure to the tasks behind it: a list of tasks, with the filters that it counts by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from tasks.services.access import may_open
from tasks.stats import StatsRange


@dataclass(frozen=True, kw_only=True)
class Links:
    """`page`: the list that they lead to, the admin's or that of one's own tasks, which know the
    same filters. Empty, and so is every link, for readers who may open neither."""

    look_back: StatsRange
    page: str
    is_admin: bool
    may_open_templates: bool = False
    providers: str = ""
    workers: str = ""

    @classmethod
    def of(cls, user: Any, look_back: StatsRange) -> Links:
        """Staff see figures of all tasks, and need the admin's list; others see their own."""
        if not user.is_staff:
            return cls(look_back=look_back, page=reverse("own-tasks"), is_admin=False)
        return cls(
            look_back=look_back,
            page=_list_of(user, "task"),
            is_admin=True,
            may_open_templates=bool(_list_of(user, "prompttemplate")),
            providers=_list_of(user, "providerstate"),
            workers=_list_of(user, "worker"),
        )

    def now(self, **filters: str) -> str:
        """Of all tasks that exist."""
        return self.page and f"{self.page}?{urlencode(filters)}"

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
        """The template itself: staff edit it, others use it."""
        if self.is_admin:
            page = "admin:tasks_prompttemplate_change"
            return reverse(page, args=[key]) if self.may_open_templates else ""
        return f"{reverse('task-new')}?{urlencode({'template': key})}"

    def task(self, key: int) -> str:
        if self.is_admin:
            return self.page and reverse("admin:tasks_task_change", args=[key])
        return reverse("task-page", args=[key])


def _list_of(user: Any, model: str) -> str:
    """The admin's, if `user` may open it."""
    return reverse(f"admin:tasks_{model}_changelist") if may_open(user, model) else ""
