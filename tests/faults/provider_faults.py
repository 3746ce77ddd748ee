"""The ways in which one call to a provider goes wrong, by the rows V1 to V12, and what each means.

Of calls that ask for a stream, as plain answers then come; scripted bodies come whole all the same.

A task's calls meet some of the passing faults one after another, and then one of the ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.behaviour import Behaviour, Fault

MEGABYTE = 1024 * 1024
_NOON = {"date": "Mon, 02 Nov 2026 12:00:00 GMT"}
_ERROR_IN_200 = {"error": {"type": "overloaded_error", "message": "busy"}}
_NO_QUOTA = {"error": {"message": "pay first", "code": "insufficient_quota"}}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way. code: the error code that the attempt must carry; empty: it is an answer.

    is_end: the task ends with it. weight: how often it is drawn; 0: `times` in the whole run,
    because it shuts a provider for half a minute or more.
    """

    row: str
    behaviour: Behaviour
    code: str
    is_end: bool = False
    weight: int = 10
    times: int = 0


def _status(status: int, **headers: str) -> Behaviour:
    return Behaviour(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def _passing(row: str, code: str, behaviour: Behaviour, weight: int = 10) -> Kind:
    return Kind(row=row, code=code, behaviour=behaviour, weight=weight)


def _shutting(row: str, code: str, behaviour: Behaviour, times: int = 2) -> Kind:
    return Kind(row=row, code=code, behaviour=behaviour, weight=0, times=times)


def _end(row: str, code: str, behaviour: Behaviour, weight: int = 4) -> Kind:
    return Kind(row=row, code=code, behaviour=behaviour, weight=weight, is_end=True)


KINDS: Mapping[str, Kind] = {
    "429, Retry-After in seconds": _passing("V1", "rate_limited", _status(429, retry_after="1")),
    "429, Retry-After in ms": _passing("V1", "rate_limited", _status(429, retry_after_ms="400")),
    "429, Retry-After as a date": _passing(
        "V1", "rate_limited",
        Behaviour(status=429, headers=_NOON | {"retry-after": "Mon, 02 Nov 2026 12:00:01 GMT"}),
    ),
    "429, Retry-After garbage": _passing("V1", "rate_limited", _status(429, retry_after="soon")),
    "429, Retry-After 9,999 s": _shutting(
        "V1", "rate_limited", _status(429, retry_after="9999"), times=1
    ),
    "429, no quota left": _shutting(
        "V2", "quota_exhausted", Behaviour(status=429, body=_NO_QUOTA)
    ),
    "401": _shutting("V2", "authentication_refused", _status(401)),
    "402": _shutting("V2", "quota_exhausted", _status(402)),
    "403": _shutting("V2", "authentication_refused", _status(403)),
    "408": _passing("V3", "server_error", _status(408)),
    "409": _passing("V3", "server_error", _status(409)),
    "500": _passing("V3", "server_error", _status(500)),
    "503": _passing("V3", "server_error", _status(503)),
    "503, Retry-After in seconds": _passing("V3", "server_error", _status(503, retry_after="1")),
    "529": _passing("V3", "server_error", _status(529)),
    "connection reset": _passing("V3", "connection_failed", Behaviour(fault=Fault.RESET)),
    "connection closed": _passing("V3", "connection_failed", Behaviour(fault=Fault.CLOSE)),
    "hang": _passing("V5", "timeout", Behaviour(fault=Fault.HANG), 3),
    "header dripped": _passing("V5", "timeout", Behaviour(fault=Fault.DRIP_HEAD), 3),
    "body dripped": _passing("V5", "timeout", Behaviour(fault=Fault.DRIP_BODY), 3),
    "blank lines for ever": _passing("V5", "timeout", Behaviour(fault=Fault.DRIP_BLANK_LINES), 3),
    "stream dripped": _passing("V5", "timeout", Behaviour(fault=Fault.DRIP_EVENTS), 3),
    "body cut off": _passing(
        "V6", "connection_failed", Behaviour(fault=Fault.TRUNCATE, body={"choices": [1, 2, 3]})
    ),
    "stream cut off": _passing("V6", "bad_response", Behaviour(fault=Fault.TRUNCATE)),
    "stream without its end mark": _passing(
        "V6", "bad_response", Behaviour(fault=Fault.CUT_STREAM)
    ),
    "error event in a stream": _passing("V6", "server_error", Behaviour(fault=Fault.ERROR_EVENT)),
    "JSON cut off": _passing("V6", "bad_response", Behaviour(body='{"choices": [{"mess')),
    "empty body": _passing("V6", "bad_response", Behaviour(body="")),
    "HTML": _passing("V6", "bad_response", Behaviour(body="<html>Welcome</html>")),
    "wrong shape": _passing("V6", "bad_response", Behaviour(body={"choices": {"0": 1}})),
    "empty answer": _passing("V6", "bad_response", Behaviour(text="")),
    "200 with an error object": _passing("V6", "server_error", Behaviour(body=_ERROR_IN_200)),
    "body of 16 MB": _passing(
        "V7", "bad_response", Behaviour(fault=Fault.HUGE_BODY, size=16 * MEGABYTE), 2
    ),
    "gzip bomb of 64 MB": _passing(
        "V7", "bad_response", Behaviour(fault=Fault.GZIP_BOMB, size=64 * MEGABYTE), 2
    ),
    "JSON 100,000 deep": _passing(
        "V7", "bad_response", Behaviour(fault=Fault.DEEP_JSON, size=100_000), 2
    ),
    "400": _end("V4", "request_refused", _status(400)),
    "404": _end("V4", "request_refused", _status(404)),
    "413": _end("V4", "request_refused", _status(413)),
    "422": _end("V4", "request_refused", _status(422)),
    "redirect": _end("V8", "request_refused", _status(307, location="http://127.0.0.1:9/")),
    "refused by a filter": _end(
        "V11", "content_filtered",
        Behaviour(status=400, body={"error": {"message": "no", "code": "content_filter"}}),
    ),
    "cut by max_tokens": _end("V11", "", Behaviour(text="Once upon", finish_reason="length")),
    "no usage": _end("V12", "", Behaviour(has_usage=False)),
    "answer": _end("", "", Behaviour(), 160),
}  # fmt: skip
REFUSED_CONNECTION = "connection refused"
"""No request reaches anybody: the provider `local` of the run listens nowhere."""
