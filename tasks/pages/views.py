"""The views of the pages. They read figures and render; nothing is written."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tasks.pages.figures import build_figures
from tasks.pages.how_to import how_to
from tasks.stats import StatsRange, get_snapshot

log_out = LogoutView.as_view(next_page="landing")
"""POST ends the session of any user; the admin's own logout serves staff alone."""


@never_cache
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What this is and where its doors are; people who are logged in see their figures at once."""
    if request.user.is_authenticated:
        return redirect("stats")
    return render(request, "pages/landing.html")


@never_cache
@require_safe
@login_required
def stats_page(request: HttpRequest) -> HttpResponse:
    """The whole page. An unknown range means the last 24 hours."""
    look_back = _asked_range(request) or StatsRange.DAY
    context = _figures(request, look_back) | how_to(request) | {"ranges": list(StatsRange)}
    return render(request, "pages/stats.html", context)


@never_cache
@require_safe
def stats_figures(request: HttpRequest) -> HttpResponse:
    """The live part alone, for the script on the page. 403 once the session has ended."""
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    look_back = _asked_range(request)
    if look_back is None:
        return HttpResponseBadRequest("range must be one of " + ", ".join(StatsRange))
    return render(request, "pages/figures.html", _figures(request, look_back))


def _figures(request: HttpRequest, look_back: StatsRange) -> dict[str, Any]:
    return build_figures(get_snapshot(request.user, look_back), request.user)


def _asked_range(request: HttpRequest) -> StatsRange | None:
    try:
        return StatsRange(request.GET.get("range", StatsRange.DAY))
    except ValueError:
        return None
