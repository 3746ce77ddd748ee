"""The search box: digits are a task's number, words are looked for in the newest prompts only."""

from __future__ import annotations

from django.db.models import Max, Q, QuerySet

from tasks.models import Task

NEWEST_SEARCHED = 50_000
HELP = f"A number finds that task. Words are looked for in the {NEWEST_SEARCHED:,} newest tasks."
_MOST_ID = 2**63 - 1


def search_tasks(rows: QuerySet[Task], term: str) -> QuerySet[Task]:
    """The tasks that `term` means. Words may stand anywhere in prompt, custom id or owner."""
    term = term.strip()
    if not term:
        return rows
    if term.isascii() and term.isdigit():
        return (
            rows.filter(pk=int(term)) if len(term) < 20 and int(term) <= _MOST_ID else rows.none()
        )
    newest: int = Task.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rows = rows.filter(pk__gt=newest - NEWEST_SEARCHED)
    for word in term.split():
        rows = rows.filter(
            Q(prompt__icontains=word) | Q(custom_id__icontains=word) | Q(owner__username=word)
        )
    return rows
