"""From a reply that is no answer to the typed error it means.

Classes decide what happens next; they follow from the status and from the vendors' codes, never
from the wording of a message.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.errors import (
    AuthenticationRefused,
    BadResponse,
    ContentFiltered,
    ProviderError,
    QuotaExhausted,
    RateLimitedByProvider,
    RequestRefused,
    ServerFailed,
)
from tasks.providers.http import Reply
from tasks.providers.wording import Scrubber, storable

MOST_RETRY_AFTER_S = 86_400.0
_MOST_REQUEST_ID_CHARS = 200

_ERROR_OF_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthenticationRefused,
    402: QuotaExhausted,
    403: AuthenticationRefused,
    408: ServerFailed,
    409: ServerFailed,
    429: RateLimitedByProvider,
}
_STATUS_OF_TYPE = {  # Anthropic's error types, should one come without its status
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_QUOTA_CODES = frozenset({"insufficient_quota", "credit_balance_exhausted"})
# Anthropic's words, some with a 400, for an account that nobody can call with until somebody acts.
_ACCOUNT_CODES = frozenset(
    {"organization_on_hold", "organization_type_not_supported", "parent_organization_required",
     "cmek_key_disabled", "cmek_key_network_blocked", "workspace_human_review_disabled"}
)  # fmt: skip
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})


def error_in(reply: Reply, scrubber: Scrubber) -> ProviderError | None:
    """The error that a reply carries, in its status or in its body; None if it may be an answer."""
    detail = _detail(reply.data)
    if 200 <= reply.status < 300 and not detail:
        return None
    return _kind(reply.status, detail)(
        scrubber.clean(_message(reply, detail)),
        http_status=reply.status,
        request_id=scrubber.clean(request_id(reply)),
        retry_after_s=_retry_after_s(reply.headers),
        is_retryable=_vendors_word(reply.headers),
        key_id=reply.key_id,
    )


def request_id(reply: Reply) -> str:
    """The id to name to the vendor's support: from the header, else from the body, else empty."""
    header = reply.headers.get("x-request-id") or reply.headers.get("request-id")
    body = reply.data if isinstance(reply.data, dict) else {}
    found = header or body.get("request_id") or body.get("id") or ""
    return storable(str(found))[:_MOST_REQUEST_ID_CHARS]


def _detail(data: Any) -> dict[str, Any]:
    """The error object of a body; `{"error": "text"}` becomes one with that message."""
    found = data.get("error") if isinstance(data, dict) else None
    if isinstance(found, dict):
        return found or {"message": "an error without a word"}
    return {"message": str(found)} if found else {}


def _kind(status: int, detail: Mapping[str, Any]) -> type[ProviderError]:
    codes = set(_codes(detail))
    if codes & _QUOTA_CODES or any("_spend_limit_" in f"_{code}_" for code in codes):
        return QuotaExhausted
    if codes & _ACCOUNT_CODES:
        return AuthenticationRefused
    if codes & _FILTER_CODES:
        return ContentFiltered
    if 200 <= status < 300:
        implied = _implied_status(detail)
        return _kind_of_status(implied) if implied else BadResponse
    return _kind_of_status(status)


def _kind_of_status(status: int) -> type[ProviderError]:
    if status >= 500:
        return ServerFailed
    return _ERROR_OF_STATUS.get(status, RequestRefused)


def _implied_status(detail: Mapping[str, Any]) -> int | None:
    """The status that an error in a 200 should have had: its number, or its type's."""
    code = detail.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _STATUS_OF_TYPE.get(str(detail.get("type")))


def _codes(detail: Mapping[str, Any]) -> Iterator[str]:
    """Every word in which a vendor may name the reason: `code`, `type`, and Anthropic's details."""
    more = detail.get("details")
    for source in (detail, more if isinstance(more, dict) else {}):
        for name in ("code", "type", "error_code", "reason"):
            if isinstance(word := source.get(name), str):
                yield word


def _message(reply: Reply, detail: Mapping[str, Any]) -> str:
    if 300 <= reply.status < 400:
        return f"HTTP {reply.status}: the provider redirects, which is refused. Check the base URL."
    said = detail.get("message") or reply.excerpt or "no body"
    return f"HTTP {reply.status}: {said}"


def _vendors_word(headers: Mapping[str, str]) -> bool | None:
    """`x-should-retry`, which overrules the status in both official SDKs."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the provider asks us to wait, at most a day; None if it says nothing usable."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, MOST_RETRY_AFTER_S)
    said = headers.get("retry-after", "")
    seconds = _number(said)
    if seconds is None:
        seconds = _seconds_until(said, headers.get("date", ""))
    return None if seconds is None else min(seconds, MOST_RETRY_AFTER_S)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds_until(date: str, sent: str) -> float | None:
    """Seconds to an HTTP date, by the provider's own clock if it tells it, else by ours."""
    then = _moment(date)
    if then is None:
        return None
    return max(0.0, (then - (_moment(sent) or datetime.now(UTC))).total_seconds())


def _moment(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
