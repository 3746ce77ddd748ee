"""The messages of all webhooks in the admin: whether they arrived, each try, and sent again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from tasks.admin.lean import LookedAtAdmin
from tasks.admin.wording import age
from tasks.errors import DomainError
from tasks.models import WebhookDelivery
from tasks.services.webhooks import redeliver

MOST_AT_ONCE = 200


@admin.action(description="Send again", permissions=["redeliver"])
def redeliver_selected(
    model_admin: DeliveryAdmin, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
) -> None:
    user: Any = request.user
    done, refused = 0, []
    for row in queryset.order_by("pk")[:MOST_AT_ONCE]:
        try:
            redeliver(user, row.endpoint_id, row.pk)
        except DomainError as error:
            refused.append(error.message)
        else:
            done += 1
            model_admin.log_change(request, row, "Sent again.")
    messages.success(request, f"{done} on the way again.")
    if refused:
        messages.warning(request, f"{len(refused)} refused, the first: {refused[0]}")


class DeliveryAdmin(LookedAtAdmin):
    list_title = "Webhook deliveries"
    list_display = ("message", "state_mark", "type", "endpoint", "tried", "last_said", "made")
    list_select_related = ("endpoint",)
    list_filter = ("state",)
    actions = (redeliver_selected,)

    @admin.display(description="Message")
    def message(self, row: WebhookDelivery) -> str:
        return row.message_id

    @admin.display(description="State")
    def state_mark(self, row: WebhookDelivery) -> SafeString:
        return state_pill(row)

    @admin.display(description="Tries")
    def tried(self, row: WebhookDelivery) -> int:
        return row.tries

    @admin.display(description="Last answer")
    def last_said(self, row: WebhookDelivery) -> str:
        return last_words(row)

    @admin.display(description="Made")
    def made(self, row: WebhookDelivery) -> SafeString | str:
        return age(row.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request)
        return rows.defer("body")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "endpoint__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tasks.change_webhookendpoint")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(_redeliver_view(self))
        name = "tasks_webhookdelivery_redeliver"
        return [path("<int:delivery_id>/redeliver/", view, name=name), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return HttpResponse(status=405)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such delivery.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Message {row.message_id}",
            "original": row,
            "row": row,
            "pill": state_pill(row),
            "tries": [_try(one) for one in row.log],
            "body": _indented(row.body),
            "may_send": self.has_redeliver_permission(request) and row.state != "pending",
        }
        return TemplateResponse(request, "admin/tasks/webhookdelivery/detail.html", context)


def delivery_row(row: WebhookDelivery) -> dict[str, Any]:
    """A message as a line of a table."""
    return {
        "row": row,
        "pill": state_pill(row),
        "said": last_words(row),
        "age": age(row.created_at),
    }


def state_pill(row: WebhookDelivery) -> SafeString:
    return format_html('<span class="pill pill-{0}">{0}</span>', row.state)


def last_words(row: WebhookDelivery) -> str:
    """What the last try met with, and when the next one is."""
    last = row.log[-1] if row.log else None
    said = "" if last is None else last["error"] or f"HTTP {last['http_status']}"
    if row.state == "pending" and row.next_try_at is not None and last is not None:
        said += f" Next try at {row.next_try_at:%H:%M:%S} UTC."
    return said or "not tried yet"


def _try(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "at": datetime.fromisoformat(one["at"])}


def _indented(body: str) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, indent=2)


def _redeliver_view(model_admin: DeliveryAdmin) -> Callable[..., HttpResponse]:
    @require_POST
    def view(request: HttpRequest, delivery_id: int) -> HttpResponse:
        if not model_admin.has_redeliver_permission(request):
            raise PermissionDenied
        row = model_admin.get_object(request, str(delivery_id))
        if row is None:
            raise Http404("There is no such delivery.")
        user: Any = request.user
        try:
            redeliver(user, row.endpoint_id, row.pk)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            model_admin.log_change(request, row, "Sent again.")
            messages.success(request, f"{row.message_id} is on its way again.")
        where = reverse("admin:tasks_webhookdelivery_change", args=[delivery_id])
        return HttpResponseRedirect(where)

    return view
