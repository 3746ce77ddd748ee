"""How often somebody may call: each key and each user so much a minute, each stranger less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tasks.models import ApiKey
from tasks.services.rates import count_event

if TYPE_CHECKING:  # DRF's views import this module while they are being imported
    from rest_framework.views import APIView

_WINDOW_S = 60


class CallerThrottle(BaseThrottle):
    """`API_CALLS_A_MINUTE` for each API key, and for each user's sessions together."""

    _wait_s: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = request.auth
        who = f"key:{key.pk}" if isinstance(key, ApiKey) else f"user:{request.user.pk}"
        if request.user.pk is None:
            who = f"address:{address_of(request)}"
        count, self._wait_s = count_event(f"api:{who}", _WINDOW_S)
        limit = settings.API_CALLS_A_MINUTE
        # Announced by the view, with whatever it answers.
        view.rate_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - count)),
            "RateLimit-Reset": str(max(1, round(self._wait_s))),
        }
        return count <= limit

    def wait(self) -> float | None:
        return self._wait_s


def count_refusal(request: Request) -> None:
    """One more call without valid credentials from this address.

    Raises:
        Throttled: there were more than `API_REFUSALS_A_MINUTE` within the minute.
    """
    count, wait_s = count_event(f"refused:{address_of(request)}", _WINDOW_S)
    if count > settings.API_REFUSALS_A_MINUTE:
        raise Throttled(wait=wait_s)


def address_of(request: Request) -> str:
    """The peer's address; behind a trusted proxy the server has put the client's there."""
    return str(request.META.get("REMOTE_ADDR", ""))
