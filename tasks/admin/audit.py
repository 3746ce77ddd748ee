"""The audit log in the admin: looked at, searched, never changed."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tasks.admin.lean import LookedAtAdmin
from tasks.models import AuditEntry


class AuditEntryAdmin(LookedAtAdmin):
    """The search asks the indexes: a pattern would read a year of entries."""

    list_title = "Audit log"
    list_display = ("at", "actor", "door", "action", "subject", "details")
    list_display_links = None
    list_filter = ("door",)
    search_fields = ("actor", "subject")
    search_help_text = "A user's name, or what was changed: task 5, batch 7, provider openai"
    actions = None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        return queryset.filter(_meaning(term)) if term else queryset, False


def _meaning(term: str) -> Q:
    """Subjects have a space in them, users' names have none. One condition, so one index."""
    if " " in term:
        return Q(subject=term)
    user = get_user_model().objects.filter(username=term).only("pk").first()
    return Q(actor=term) if user is None else Q(actor_id=user.pk)
