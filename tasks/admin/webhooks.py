"""Webhooks in the admin: made, their secret shown once; switched; their messages looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from tasks.admin.deliveries import delivery_row
from tasks.admin.lean import LeanAdmin
from tasks.admin.wording import age
from tasks.errors import InvalidInput, WebhookNotFound
from tasks.models import WebhookEndpoint
from tasks.services import webhooks
from tasks.vocabulary import EventType, choices

_NEWEST = 10
_SWITCHES = {"enable": (True, "is enabled"), "disable": (False, "is disabled: nothing is sent")}


class WebhookForm(forms.Form):
    """It only turns text into types; the rules are those of the service."""

    url = forms.CharField(
        label="Address", max_length=500, help_text="http or https, on the public internet.",
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        choices=choices(EventType), initial=webhooks.DEFAULT_EVENTS,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    description = forms.CharField(
        required=False, max_length=200, widget=forms.TextInput(attrs={"class": "vLargeTextField"})
    )


class EnabledFilter(admin.BooleanFieldListFilter):
    """With a title that reads well after "by"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "enabled"


class WebhookAdmin(LeanAdmin):
    """`tasks.change_webhookendpoint` lets staff switch a webhook and send its messages again."""

    list_title = "Webhooks"
    list_display = ("address", "state_mark", "kinds", "owner", "created")
    list_select_related = ("owner",)
    list_filter = (("is_enabled", EnabledFilter),)
    actions = None

    @admin.display(description="Address")
    def address(self, endpoint: WebhookEndpoint) -> SafeString:
        note = format_html('<span class="note">{}</span>', endpoint.description)
        return format_html('<span class="prompt">{}</span>{}', endpoint.url, note)

    @admin.display(description="State")
    def state_mark(self, endpoint: WebhookEndpoint) -> SafeString:
        return state_of(endpoint)

    @admin.display(description="Events")
    def kinds(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(map(str, endpoint.events))

    @admin.display(description="Made")
    def created(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return age(endpoint.created_at)

    def get_urls(self) -> list[URLPattern]:
        switches = [
            path(
                f"<int:webhook_id>/{name}/",
                self.admin_site.admin_view(_switch_view(self, name)),
                name=f"tasks_webhookendpoint_{name}",
            )
            for name in _SWITCHES
        ]
        return [*switches, *super().get_urls()]

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WebhookForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                made = webhooks.create_webhook(_user(request), form.cleaned_data)
            except InvalidInput as error:
                for name, rules in error.fields.items():
                    form.add_error(name if name in form.fields else None, rules)
            else:
                self.log_addition(request, made, "Created.")
                return self._show_once(request, made)
        return self._show_form(request, form)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return HttpResponse(status=405)
        endpoint = found_webhook(request, object_id)
        rows = endpoint.deliveries.order_by("-id")[:_NEWEST]
        context = self._context(request, f"Webhook {endpoint.pk}") | {
            "original": endpoint,
            "endpoint": endpoint,
            "pill": state_of(endpoint),
            "may_steer": self.has_change_permission(request),
            "can_delete": self.has_delete_permission(request),
            "deliveries": [delivery_row(row) for row in rows],
        }
        return TemplateResponse(request, "admin/tasks/webhookendpoint/detail.html", context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its messages go with it; nobody wants to read a million of them first."""
        return [str(one) for one in objs], {"webhooks": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        webhooks.delete_webhook(_user(request), obj.pk)

    def _show_once(self, request: HttpRequest, made: WebhookEndpoint) -> HttpResponse:
        """The answer to the POST itself: a message would keep the secret in a cookie."""
        context = self._context(request, "Webhook made") | {"endpoint": made}
        return TemplateResponse(request, "admin/tasks/webhookendpoint/created.html", context)

    def _show_form(self, request: HttpRequest, form: Any) -> HttpResponse:
        context = self._context(request, "Make a webhook") | {
            "adminform": AdminForm(form, [(None, {"fields": list(form.fields)})], {}, (), self),
            "errors": AdminErrorList(form, []),
            "inline_admin_formsets": [],
            "media": self.media + form.media,
            "add": True,
            "change": False,
            "is_popup": False,
            "has_view_permission": True,
        }
        return TemplateResponse(request, "admin/tasks/webhookendpoint/create.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def state_of(endpoint: WebhookEndpoint) -> SafeString:
    """Whether it takes what it is sent, in a word, with the reason if it does not."""
    if not endpoint.is_enabled:
        word, note = "disabled", endpoint.disabled_reason
    elif endpoint.failing_since is not None:
        word, note = "failing", f"since {endpoint.failing_since:%b %d, %H:%M} UTC"
    else:
        word, note = "enabled", ""
    return format_html('<span class="pill pill-{0}">{0}</span><span class="note">{1}</span>', word,
                       note)  # fmt: skip


def found_webhook(request: HttpRequest, webhook_id: object) -> WebhookEndpoint:
    """Raises: Http404."""
    try:
        return webhooks.get_webhook(_user(request), webhook_id)
    except WebhookNotFound as error:
        raise Http404(error.message) from error


def _switch_view(model_admin: WebhookAdmin, name: str) -> Callable[..., HttpResponse]:
    @require_POST
    def view(request: HttpRequest, webhook_id: int) -> HttpResponse:
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        is_enabled, words = _SWITCHES[name]
        endpoint = found_webhook(request, webhook_id)
        webhooks.change_webhook(_user(request), endpoint.pk, {"enabled": is_enabled})
        model_admin.log_change(request, endpoint, f"{words.capitalize()}.")
        messages.success(request, f"Webhook {endpoint.pk} {words}.")
        where = reverse("admin:tasks_webhookendpoint_change", args=[endpoint.pk])
        return HttpResponseRedirect(where)

    return view


def _user(request: HttpRequest) -> Any:
    return request.user
