"""Times and waiting reasons in words for people."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.models import Task
from tasks.stats.wording import duration
from tasks.vocabulary import Status


def age(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover."""
    if moment is None:
        return "–"
    seconds = max(0.0, (timezone.now() - moment).total_seconds())
    words = duration(seconds) if seconds >= 10 else "just now"
    return format_html(
        '<time datetime="{0}" title="{0}">{1}</time>', moment.isoformat(timespec="seconds"), words
    )


def waiting_words(task: Task) -> str:
    """Why a PENDING task does not run yet, and until when; empty for every other state."""
    if task.state is not Status.PENDING:
        return ""
    if task.wake_at is None:
        return "Due: waits for a free slot of a worker."
    until = timezone.localtime(task.wake_at).strftime("%Y-%m-%d %H:%M:%S %Z")
    if task.waiting_reason == "scheduled":
        return f"Scheduled: not to be called before {until}."
    return f"Waits because of {task.waiting_reason or 'a pause'}; next try at {until}."
