"""The only file that asks a provider over HTTP: one POST out, one bounded reply or typed error in.

No redirect, cookie, proxy, netrc or retry; one deadline from connecting to the last byte.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import DecodeError, HTTPError

from tasks.errors import (
    AuthenticationRefused,
    BadResponse,
    CallHungUp,
    CallTimedOut,
    ConnectionFailed,
    ProviderError,
)
from tasks.providers.base import ProviderSettings
from tasks.providers.bodies import CutShortError, OversizeError, as_json, read_events, read_whole
from tasks.providers.deadline import Call, DeadlineAdapter, current, tls_context
from tasks.providers.event_stream import Assembly
from tasks.providers.hangup import HangUp
from tasks.providers.keys import KeyRing, fingerprint
from tasks.providers.wording import Scrubber

_EXCERPT_BYTES = 300
_USABLE_KEY = re.compile(r"[\x21-\x7e]+")
_LINE_TROUBLE = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)
_STANDING_HEADERS = {
    "User-Agent": "async-ai-task-runner",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # answers are small: unpacking costs more than it saves
    "Content-Type": "application/json",
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back. Header names match in any case.

    `data` is the body as JSON, None if it is none; `excerpt` is its beginning, for messages. Of a
    stream it is what its events make together, and the excerpt the event that made no sense.
    `key_id`: the fingerprint of the key that was used; empty without one.
    """

    status: int
    headers: Mapping[str, str]
    data: Any = field(repr=False)
    excerpt: str = field(repr=False)
    key_id: str = ""


class _Session(requests.Session):
    """Never looks where a redirect points: `requests` would read its whole body to do so."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class HttpClient:
    """Posts JSON to one provider from many threads, over kept connections."""

    def __init__(
        self, settings: ProviderSettings, auth_headers: Mapping[str, str], *, needs_key: bool
    ) -> None:
        """`auth_headers`: templates with `{key}`, filled with the provider's keys in turn."""
        self._settings = settings
        self._needs_key = needs_key
        self._auth_headers = auth_headers
        self._keys = KeyRing(settings.api_keys)
        is_tls = settings.base_url.lower().startswith("https:")
        self._tls = tls_context() if is_tls else None
        self._sessions: dict[int, requests.Session] = {}
        self.scrubber = Scrubber(settings.api_keys)

    def post(
        self,
        path: str,
        payload: Mapping[str, Any],
        *,
        timeout_s: float,
        keys_aside: AbstractSet[str] = frozenset(),
        hang_up: HangUp | None = None,
        assembly: Assembly | None = None,
    ) -> Reply:
        """The provider's reply, whatever its status. `keys_aside`: keys not to use, if others are.
        `assembly` puts it together, should it come as a stream of events.

        Raises: CallTimedOut, ConnectionFailed, BadResponse (too big, badly packed, or broken off in
        the middle of an answer), AuthenticationRefused (no usable key), CallHungUp.
        """
        call = Call(deadline=monotonic() + timeout_s)
        current.call = call
        hang_up = hang_up or HangUp()
        try:
            hang_up.attach(call.end)
            key = self._keys.take(keys_aside) if self._keys else ""
            request = self._prepare(path, payload, key)
            with self._send(request, call) as response:
                return _reply(response, call, fingerprint(key) if key else "", assembly)
        except _LINE_TROUBLE as trouble:
            error = self._typed(trouble, call, timeout_s, has_begun=_has_begun(assembly))
            if hang_up.is_ordered:
                error = CallHungUp(
                    f"The task was cancelled: the call to {self._settings.name} ended."
                )
        finally:
            hang_up.detach()
        raise error  # outside of the handler: no foreign exception, which may quote a key, rides on

    def _prepare(self, path: str, payload: Mapping[str, Any], key: str) -> requests.PreparedRequest:
        return self._session().prepare_request(
            requests.Request(
                "POST",
                self._settings.base_url.rstrip("/") + path,
                data=json.dumps(payload).encode(),
                headers=self._authorization(key),
            )
        )

    def _authorization(self, key: str) -> dict[str, str]:
        if not key and not self._needs_key:
            return {}
        if not key:
            raise AuthenticationRefused(f"{self._settings.name} has no API key. Set one.")
        if not _USABLE_KEY.fullmatch(key):
            raise AuthenticationRefused(
                f"The API key of {self._settings.name} holds a blank, a line break or another "
                "character that no key has. Set it again.",
                key_id=fingerprint(key),
            )
        return {name: value.format(key=key) for name, value in self._auth_headers.items()}

    def _session(self) -> requests.Session:
        """This process's session: connections made before a fork belong to the parent."""
        session = self._sessions.get(os.getpid())
        if session is None:
            session = self._sessions.setdefault(os.getpid(), self._new_session())
        return session

    def _new_session(self) -> requests.Session:
        session = _Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers = requests.structures.CaseInsensitiveDict(_STANDING_HEADERS)
        adapter = DeadlineAdapter(pool_size=self._settings.pool_size, tls=self._tls)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def _send(self, request: requests.PreparedRequest, call: Call) -> requests.Response:
        """The response, its body unread. A kept connection that broke before the request was out
        is replaced."""
        while True:
            call.may_resend = False
            try:
                return self._session().send(
                    request, stream=True, allow_redirects=False, timeout=call.left_s()
                )
            except _LINE_TROUBLE:
                if not call.may_resend:
                    raise

    def _typed(
        self, trouble: Exception, call: Call, timeout_s: float, *, has_begun: bool
    ) -> ProviderError:
        """has_begun: some of the answer had come, so it was written, and is billed perhaps."""
        if monotonic() >= call.deadline:
            return CallTimedOut(f"{self._settings.name} did not finish within {timeout_s:g} s.")
        said = self.scrubber.describe(trouble)
        if isinstance(trouble, (OversizeError, CutShortError, DecodeError)):
            return BadResponse(self.scrubber.clean(f"{self._settings.name} sent {said}"))
        if has_begun:
            return BadResponse(f"{self._settings.name} broke off in the middle of its answer.")
        return ConnectionFailed(
            self.scrubber.clean(f"No answer from {self._settings.name}: {said}")
        )


def _has_begun(assembly: Assembly | None) -> bool:
    return assembly is not None and assembly.partial.first_ms is not None


def _reply(
    response: requests.Response, call: Call, key_id: str, assembly: Assembly | None
) -> Reply:
    """The response, read to its end: as a stream if it is one and that was asked."""
    text: bytes | bytearray
    if assembly is not None and response.status_code == 200 and _is_stream(response):
        data, text = read_events(response.raw, call, assembly)
    else:
        text = read_whole(response.raw, response.headers.get("content-length", ""))
        data = as_json(text)
    return Reply(
        status=response.status_code,
        headers=response.headers,
        data=data,
        excerpt=text[:_EXCERPT_BYTES].decode(errors="replace"),
        key_id=key_id,
    )


def _is_stream(response: requests.Response) -> bool:
    """A server that knows of no streams answers in one piece, whatever it was asked for."""
    return response.headers.get("content-type", "").lower().startswith("text/event-stream")
