"""Providers in the admin: how each stands, what it was paid today, and the buttons to steer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from tasks.conf import Conf, ProviderConf, get_conf
from tasks.errors import InvalidInput
from tasks.models import ProviderState
from tasks.querysets import database_now
from tasks.services import steering
from tasks.services.choosing import accepted_models
from tasks.stats.lanes import LaneFigures, describe_lane, refused_keys
from tasks.stats.snapshot import paid_since_midnight
from tasks.stats.wording import dollars, duration, lane_remedy, lane_words
from tasks.vocabulary import REAL_PROVIDERS

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[ProviderState]
else:
    _ModelAdmin = admin.ModelAdmin

Move = Callable[[str], ProviderState]
_MOVES: dict[str, tuple[Move, str]] = {
    "pause": (steering.pause, "is paused: no further call goes there"),
    "resume": (steering.resume, "is resumed"),
    "open": (lambda name: steering.force_breaker(name, "open"), "has its breaker forced open"),
    "closed": (
        lambda name: steering.force_breaker(name, "closed"),
        "has its breaker forced closed",
    ),
    "auto": (lambda name: steering.force_breaker(name, "auto"), "has a fresh breaker"),
}

_REPAIRS = ("resume", "auto")


class ProviderAdmin(_ModelAdmin):
    """A page of its own instead of a list: a provider has no row before there is something to
    say. `tasks.change_providerstate` lets staff steer."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self._steer_view())
        name = "tasks_providerstate_steer"
        return [path("<str:provider>/<str:move>/", view, name=name), *super().get_urls()[:1]]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _show(request, self)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _steer_view(self) -> Callable[..., HttpResponse]:
        @require_POST
        def view(request: HttpRequest, provider: str, move: str) -> HttpResponse:
            if not self.has_change_permission(request):
                raise PermissionDenied
            if provider not in REAL_PROVIDERS or move not in _MOVES:
                messages.error(request, "There is no such provider or move.")
                return HttpResponseRedirect(reverse("admin:tasks_providerstate_changelist"))
            act, words = _MOVES[move]
            try:
                state = act(provider)
            except InvalidInput as error:
                messages.error(request, error.message)
            else:
                self.log_change(request, state, f"{words.capitalize()}.")
                messages.success(request, f"{provider} {words}.")
            return HttpResponseRedirect(reverse("admin:tasks_providerstate_changelist"))

        return view


@require_safe
def _show(request: HttpRequest, model_admin: ProviderAdmin) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Providers",
        "may_steer": model_admin.has_change_permission(request),
        "providers": _rows(),
        "repairs": _REPAIRS,
    }
    return TemplateResponse(request, "admin/tasks/providerstate/list.html", context)


def _rows() -> list[dict[str, Any]]:
    now, conf = database_now(), get_conf()
    states = {state.name: state for state in ProviderState.objects.all()}
    paid = paid_since_midnight(None, now)
    rows = []
    for name in REAL_PROVIDERS:
        state = states.get(name.value) or ProviderState(name=name.value)
        lane = describe_lane(state, now)
        wait_s = None if lane.next_probe is None else (lane.next_probe - now).total_seconds()
        rows.append(
            {
                "name": name.value,
                "lane": lane,
                "refused_keys": refused_keys(state, now),
                "remedy": lane_remedy(lane),
                "words": lane_words(lane) if lane.is_configured else "not configured",
                "variable": conf.providers[name].variable,
                "probe": None if wait_s is None else duration(max(0.0, wait_s)),
                "paid": dollars(paid[name.value]),
                "limits": _limits(conf, conf.providers[name]),
                "models": accepted_models(name),
                "moves": _moves(lane),
            }
        )
    return rows


def _limits(conf: Conf, own: ProviderConf) -> list[str]:
    limits = [f"{conf.call_timeout_s:g} s a call"]
    if own.quota.requests is not None:
        limits.append(f"{own.quota.requests:,} requests a minute")
    if own.quota.tokens is not None:
        limits.append(f"{own.quota.tokens:,} tokens a minute")
    return limits


def _moves(lane: LaneFigures) -> list[tuple[str, str]]:
    """(move, words on its button): those that would change something, what repairs first."""
    moves = []
    if lane.force != "auto" or lane.breaker != "closed" or (lane.is_blocked and not lane.is_paused):
        moves.append(("auto", "Reset breaker"))
    moves.append(("resume", "Resume") if lane.is_paused else ("pause", "Pause"))
    if lane.force != "open":
        moves.append(("open", "Force breaker open"))
    if lane.force != "closed":
        moves.append(("closed", "Force breaker closed"))
    return moves
