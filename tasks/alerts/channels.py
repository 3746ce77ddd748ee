"""Where alerts go: e-mail by Django's mail settings, and a webhook of the operator's."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from django.core.mail import EmailMessage

from tasks.conf import get_conf
from tasks.models import Alert
from tasks.policy.alerting import Change

Channel = Callable[[Alert, Change], None]
_TIMEOUT_S = 10.0


def open_channels() -> dict[str, Channel]:
    """Those that are configured, by name. They raise what went wrong."""
    channels: dict[str, Channel] = {}
    if get_conf().alerts.emails:
        channels["email"] = _mail
    if get_conf().alerts.webhook_url:
        channels["webhook"] = _post
    return channels


def _mail(alert: Alert, change: Change) -> None:
    EmailMessage(
        subject=f"[taskrunner] {change.upper()}: {alert.key}",
        body=f"{alert.message}\n\n{change} at {alert.changed_at:%Y-%m-%d %H:%M:%S} UTC\n",
        to=list(get_conf().alerts.emails),
    ).send()


def _post(alert: Alert, change: Change) -> None:
    _send(
        get_conf().alerts.webhook_url,
        {
            "type": f"alert.{change}",
            "alert": alert.key,
            "message": alert.message,
            "at": alert.changed_at and alert.changed_at.isoformat(),
        },
    )


def _send(url: str, body: Mapping[str, Any]) -> None:
    """The address is the operator's own, from the environment. Raises: OSError."""
    request = urllib.request.Request(  # noqa: S310 - http or https, as the settings make sure
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "async-ai-task-runner"},
    )
    with _opener.open(request, timeout=_TIMEOUT_S):
        pass  # an answer that is no success raises


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """A redirect is an error: nothing is sent to an address that nobody configured."""


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
