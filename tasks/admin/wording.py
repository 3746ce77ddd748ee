"""Times in words for people."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.stats.wording import duration


def age(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover."""
    if moment is None:
        return "–"
    seconds = max(0.0, (timezone.now() - moment).total_seconds())
    words = duration(seconds) if seconds >= 10 else "just now"
    return format_html(
        '<time datetime="{0}" title="{0}">{1}</time>', moment.isoformat(timespec="seconds"), words
    )


def moment_in_utc(moment: datetime) -> str:
    """To the second, without the zone: the column's title names it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
