"""What the list of tasks shows in its columns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.admin.badges import provider_badge, source_badge, status_pill
from tasks.admin.wording import age
from tasks.models import Task

_PROMPT_CHARS = 90


class TaskColumns:
    """Display methods, one a column."""

    @admin.display(description="Task", ordering="pk")
    def number(self, task: Task) -> str:
        return f"#{task.pk}"

    @admin.display(description="Status")
    def state_mark(self, task: Task) -> SafeString:
        note = task.waiting_reason or (task.error_code if task.status == "FAILED" else "")
        if not note:
            return status_pill(task.status)
        return format_html('{}<span class="note">{}</span>', status_pill(task.status), note)

    @admin.display(description="Prompt")
    def prompt_start(self, task: Any) -> SafeString:
        text = " ".join(task.prompt_preview.split())
        short = text if len(text) <= _PROMPT_CHARS else text[: _PROMPT_CHARS - 1] + "…"
        return format_html('<span class="prompt">{}</span>', short)

    @admin.display(description="Provider and model")
    def answered_by(self, task: Task) -> SafeString:
        return format_html(
            '{} {}<span class="note">{}</span>',
            provider_badge(task),
            source_badge(task.result_source),
            task.model,
        )

    @admin.display(description="Prio")
    def priority_mark(self, task: Task) -> int:
        return task.priority

    @admin.display(description="Tries")
    def tries(self, task: Task) -> str:
        return f"{task.attempts}/{task.max_attempts}"

    @admin.display(description="Age")
    def age_mark(self, task: Task) -> SafeString | str:
        return age(task.created_at)
