"""The audit log in the admin: looked at, searched, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from tasks.models import AuditEntry

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[AuditEntry]
else:
    _ModelAdmin = admin.ModelAdmin


class AuditEntryAdmin(_ModelAdmin):
    """The newest first. The search asks the indexes: a pattern would read a year of entries."""

    list_display = ("at", "actor", "door", "action", "subject", "details")
    list_display_links = None
    list_filter = ("door",)
    search_fields = ("actor", "subject")
    search_help_text = "A user's name, or what was changed: task 5, batch 7, provider openai"
    ordering = ("-id",)
    actions = None
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        found = Q(subject=term) | Q(actor=term)
        return queryset.filter(found) if term else queryset, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Audit log"} | (extra_context or {}))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
