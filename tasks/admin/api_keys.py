"""API keys in the admin: made, shown once, revoked. The digest is never on a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.admin.lean import LeanAdmin
from tasks.admin.wording import age
from tasks.errors import InvalidInput
from tasks.models import ApiKey
from tasks.services.api_keys import create_api_key, revoke_api_key
from tasks.vocabulary import Scope, choices


class ApiKeyForm(forms.Form):
    """Whom a key acts as, and how far. Only superusers make keys for other people."""

    name = forms.CharField(max_length=100, help_text="What will use it, for example “nightly job”.")
    scope = forms.ChoiceField(
        choices=choices(Scope), help_text="Each scope includes the one before."
    )
    expires_at = forms.DateTimeField(
        required=False,
        label="Expires (UTC)",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: never.",
    )

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data)
        others = get_user_model().objects.filter(is_active=True)
        people = others if user.is_superuser else others.filter(pk=user.pk)
        self.fields["user"] = forms.ModelChoiceField(
            people.order_by("username"), initial=user.pk, empty_label=None
        )
        self.order_fields(["user"])

    def clean_expires_at(self) -> Any:
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now():
            raise forms.ValidationError("Must be in the future.")
        return moment


@admin.action(description="Revoke the selected keys", permissions=["revoke"])
def revoke_selected(
    model_admin: ApiKeyAdmin, request: HttpRequest, queryset: QuerySet[ApiKey]
) -> None:
    rows = list(queryset.filter(revoked_at=None))
    for row in rows:
        revoke_api_key(row)
        model_admin.log_change(request, row, "Revoked.")
    messages.success(request, f"{len(rows)} revoked. They open nothing from now on.")


class ApiKeyAdmin(LeanAdmin):
    list_title = "API keys"
    list_display = ("name", "key_start", "user", "scope", "state_mark", "made", "last_used")
    list_display_links = None
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    actions = (revoke_selected,)

    @admin.display(description="Key")
    def key_start(self, row: ApiKey) -> str:
        return f"{row.prefix}…"

    @admin.display(description="State")
    def state_mark(self, row: ApiKey) -> SafeString:
        word = "usable" if row.is_usable(timezone.now()) else "expired"
        word = word if row.user.is_active else "disabled"  # for as long as its user is
        word = "revoked" if row.revoked_at else word
        return format_html('<span class="pill pill-{}">{}</span>', word, word)

    @admin.display(description="Made")
    def made(self, row: ApiKey) -> SafeString | str:
        return age(row.created_at)

    @admin.display(description="Last used")
    def last_used(self, row: ApiKey) -> SafeString | str:
        return age(row.last_used_at) if row.last_used_at else "never"

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.change_apikey")

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """There is no page of one key: the list says all that may be said."""
        raise PermissionDenied

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ApiKeyForm(request.user, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            created = self._create(request, form)
            if created is not None:
                return self._show_once(request, *created)
        return self._show_form(request, form)

    def _create(self, request: HttpRequest, form: ApiKeyForm) -> tuple[ApiKey, str] | None:
        data = form.cleaned_data
        try:
            row, key = create_api_key(
                data["user"],
                name=data["name"],
                scope=Scope(data["scope"]),
                expires_at=data["expires_at"],
            )
        except InvalidInput as error:
            for name, rules in error.fields.items():
                form.add_error(name, rules)
            return None
        self.log_addition(request, row, "Created.")
        return row, key

    def _show_once(self, request: HttpRequest, row: ApiKey, key: str) -> HttpResponse:
        """The answer to the POST itself: a message would keep the key in a cookie or a table."""
        context = self._context(request, title="API key created") | {"row": row, "key": key}
        return TemplateResponse(request, "admin/tasks/apikey/created.html", context)

    def _show_form(self, request: HttpRequest, form: Any) -> HttpResponse:
        fieldsets = [(None, {"fields": list(form.fields)})]
        context = self._context(request, title="Create an API key") | {
            "adminform": AdminForm(form, fieldsets, {}, (), self),
            "errors": AdminErrorList(form, []),
            "inline_admin_formsets": [],
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/tasks/apikey/create.html", context)

    def _context(self, request: HttpRequest, *, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "add": True,
            "change": False,
            "is_popup": False,
            "has_view_permission": self.has_view_permission(request),
        }
