"""The pages outside of the API and the admin: health, readiness, metrics, the guarded login."""

from __future__ import annotations

from django.contrib import admin
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tasks.api.authentication import ApiKeyAuthentication
from tasks.monitoring.metrics import render_metrics
from tasks.monitoring.readiness import find_problems
from tasks.services.login_guard import seconds_to_wait


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is looked at."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when tasks are accepted and run, else 503 with the reason for each part."""
    problems = find_problems()
    body = {"status": "unavailable", "problems": problems} if problems else {"status": "ok"}
    return JsonResponse(body, status=503 if problems else 200)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Counts for everybody; cost with the API key of a staff user."""
    try:
        text = render_metrics(with_cost=_is_staff_key(request))
    except AuthenticationFailed as refusal:
        return HttpResponse(f"{refusal.detail}\n", status=401, content_type="text/plain")
    except Error as fault:
        return HttpResponse(f"{type(fault).__name__}\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_staff_key(request: HttpRequest) -> bool:
    found = ApiKeyAuthentication().authenticate(Request(request))
    return found is not None and bool(getattr(found[0], "is_staff", False))


def admin_login(request: HttpRequest) -> HttpResponseBase:
    """Django admin's own login, closed for a while to whoever guesses."""
    if request.method == "POST":
        address = str(request.META.get("REMOTE_ADDR", ""))
        wait_s = seconds_to_wait(address, request.POST.get("username", ""))
        if wait_s:
            text = f"Too many failed logins. Try again in {wait_s:.0f} seconds.\n"
            headers = {"Retry-After": str(max(1, round(wait_s)))}
            return HttpResponse(text, status=429, headers=headers, content_type="text/plain")
    return admin.site.login(request)
