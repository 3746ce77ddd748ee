"""What every list here has in common: it stays fast on a million rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from tasks.admin.changelist import CappedChangeList, CappedPaginator

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class LeanAdmin(_ModelAdmin):
    """The newest first, counted no further than anybody pages; columns are no buttons, for a sort
    by what has no index reads the whole table. `list_title` is the heading of the list; `counted`,
    what its rows are called below it, if not by the plural of the model's name."""

    list_title = ""
    counted = ""
    list_per_page = 50
    ordering = ("-pk",)
    sortable_by: ClassVar[Any] = ()
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": self.list_title} | (extra_context or {}))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CappedChangeList]:
        return CappedChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        found.pop("delete_selected", None)  # it goes behind the services' back
        return found


class LookedAtAdmin(LeanAdmin):
    """Nothing is made, edited or deleted here by hand."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
