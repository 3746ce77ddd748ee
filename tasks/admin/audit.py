"""The audit log in the admin: looked at, searched, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Max, QuerySet
from django.http import HttpRequest

from tasks.admin.lean import LookedAtAdmin
from tasks.admin.wording import moment_in_utc
from tasks.models import AuditEntry

_NEWEST_SEARCHED = 50_000


class AuditEntryAdmin(LookedAtAdmin):
    """The search asks the indexes: a pattern would read a year of entries."""

    list_title = "Audit log"
    counted = "entries"
    list_display = ("moment", "actor", "door", "action", "subject", "details")
    list_display_links = None
    list_filter = ("door",)
    search_fields = ("actor", "subject")
    search_help_text = "A user's name, or what was changed: task 5, batch 7, provider openai"
    actions = None

    @admin.display(description="At (UTC)")
    def moment(self, entry: AuditEntry) -> str:
        return moment_in_utc(entry.at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        return _search(queryset, term) if term else queryset, False


def _search(entries: QuerySet[AuditEntry], term: str) -> QuerySet[AuditEntry]:
    """Subjects have a space in them, users' names have none. One condition, so one index.

    Of a user who is gone only the name is left, which no index knows.
    """
    if " " in term:
        return entries.filter(subject=term)
    if user := get_user_model().objects.filter(username=term).only("pk").first():
        return entries.filter(actor_id=user.pk)
    newest: int = AuditEntry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return entries.filter(actor=term, pk__gt=newest - _NEWEST_SEARCHED)
