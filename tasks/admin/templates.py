"""Templates in the admin: written, tried out, edited as new versions, compared."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from tasks.admin.lean import LeanAdmin
from tasks.admin.template_form import TemplateForm, as_lines
from tasks.admin.template_page import show_page
from tasks.admin.wording import age
from tasks.errors import InvalidInput, TemplateNotFound
from tasks.models import PromptTemplate
from tasks.services import templates


class TemplateAdmin(LeanAdmin):
    list_title = "Templates"
    list_display = ("name", "version_mark", "published", "owner", "changed")
    list_select_related = ("owner",)
    list_filter = ("published",)
    search_fields = ("name",)

    @admin.display(description="Version")
    def version_mark(self, template: PromptTemplate) -> int:
        return template.latest

    @admin.display(description="Changed")
    def changed(self, template: PromptTemplate) -> SafeString | str:
        return age(template.updated_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PromptTemplate]:
        return templates.visible_templates(request.user)  # type: ignore[arg-type]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._edit(request, None)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        user: Any = request.user
        try:
            template = templates.get_template(user, object_id)
        except TemplateNotFound as error:
            raise Http404(error.message) from error
        if request.method == "POST" and not self.has_change_permission(request, template):
            raise PermissionDenied
        return self._edit(request, template)

    def _edit(self, request: HttpRequest, template: PromptTemplate | None) -> HttpResponse:
        is_sent = request.method == "POST"
        form = TemplateForm(
            request.POST if is_sent else None, initial=_initial(template), is_new=template is None
        )
        if is_sent and form.is_valid() and "_preview" not in request.POST:
            saved = self._save(request, form, template)
            if saved is not None:
                messages.success(request, f"{saved} is saved; its version is {saved.latest}.")
                where = reverse("admin:tasks_prompttemplate_change", args=[saved.pk])
                return HttpResponseRedirect(where)
        return show_page(self, request, form, template)

    def _save(
        self, request: HttpRequest, form: TemplateForm, template: PromptTemplate | None
    ) -> PromptTemplate | None:
        """None: a rule was broken, and the form tells which."""
        user: Any = request.user
        try:
            if template is None:
                saved = templates.create_template(user, form.as_order())
                self.log_addition(request, saved, "Created.")
            else:
                saved = templates.edit_template(user, template.pk, form.as_order())
                self.log_change(request, saved, f"Saved; its version is {saved.latest}.")
        except InvalidInput as error:
            for name, rules in error.fields.items():
                field = name.split(".")[0]
                form.add_error(field if field in form.fields else None, rules)
            return None
        return saved

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing but the template goes: its versions stay for the tasks that they made."""
        return [str(one) for one in objs], {"templates": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: PromptTemplate) -> None:
        templates.delete_template(request.user, obj.pk)  # type: ignore[arg-type]


def _initial(template: PromptTemplate | None) -> dict[str, Any]:
    if template is None:
        return {}
    latest = templates.latest_version(template)
    return {
        **latest.as_dict(),
        "name": template.name,
        "published": template.published,
        "variables": as_lines(latest.variables),
    }
