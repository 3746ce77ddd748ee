"""Every status and error body becomes the typed error that decides what happens next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

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
from tests.fakes.provider import Behaviour, FakeProvider
from tests.providers.conftest import KEY, Ask

BY_STATUS = [
    (400, RequestRefused),
    (401, AuthenticationRefused),
    (402, QuotaExhausted),
    (403, AuthenticationRefused),
    (404, RequestRefused),
    (408, ServerFailed),
    (409, ServerFailed),
    (413, RequestRefused),
    (418, RequestRefused),
    (422, RequestRefused),
    (429, RateLimitedByProvider),
    (500, ServerFailed),
    (502, ServerFailed),
    (503, ServerFailed),
    (529, ServerFailed),
]


def refusal(ask: Ask, kind: type[ProviderError] = ProviderError) -> ProviderError:
    with pytest.raises(kind) as caught:
        ask()
    assert type(caught.value) is kind or kind is ProviderError
    return caught.value


@pytest.mark.parametrize(("status", "kind"), BY_STATUS)
def test_a_status_becomes_its_error_after_one_call(
    fake: FakeProvider, ask: Ask, status: int, kind: type[ProviderError]
) -> None:
    fake.script(Behaviour(status=status), repeat=True)
    error = refusal(ask, kind)
    assert error.http_status == status
    assert error.message == f"HTTP {status}: scripted {status}"
    assert error.request_id == "req-1"
    assert fake.count() == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "9999"}, 9999.0),
        ({"retry-after": "99999999999"}, 86_400.0),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Thu, 99 Foo 2026 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_and_garbage_is_nothing(
    fake: FakeProvider, ask: Ask, headers: dict[str, str], seconds: float | None
) -> None:
    fake.script(Behaviour(status=429, headers=headers))
    assert refusal(ask, RateLimitedByProvider).retry_after_s == seconds


def test_retry_after_may_be_a_date_by_our_clock(fake: FakeProvider, ask: Ask) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    fake.script(Behaviour(status=429, headers={"retry-after": date}))
    assert refusal(ask).retry_after_s == pytest.approx(60, abs=2)


def test_a_retry_after_date_counts_from_the_providers_own_clock(
    fake: FakeProvider, ask: Ask
) -> None:
    headers = {
        "date": "Mon, 02 Nov 2026 10:00:00 GMT",
        "retry-after": "Mon, 02 Nov 2026 10:00:30 GMT",
    }
    fake.script(Behaviour(status=429, headers=headers))
    assert refusal(ask).retry_after_s == 30.0


def test_a_date_in_the_past_means_now(fake: FakeProvider, ask: Ask) -> None:
    fake.script(Behaviour(status=503, headers={"retry-after": "Mon, 02 Nov 2020 10:00:00 GMT"}))
    assert refusal(ask).retry_after_s == 0.0


@pytest.mark.parametrize(
    ("status", "word", "is_retryable"),
    [(400, "true", True), (500, "false", False), (500, "perhaps", True), (422, "", False)],
)
def test_the_vendors_word_on_retrying_overrules_the_status(
    fake: FakeProvider, ask: Ask, status: int, word: str, is_retryable: bool
) -> None:
    fake.script(Behaviour(status=status, headers={"x-should-retry": word}))
    assert refusal(ask).is_retryable is is_retryable


@pytest.mark.parametrize(
    "detail",
    [
        {"code": "insufficient_quota"},
        {"type": "insufficient_quota", "code": None},
        {"code": "credit_balance_exhausted"},
        {"type": "rate_limit_error", "details": {"error_code": "monthly_spend_limit_reached"}},
    ],
)
@pytest.mark.parametrize("status", [429, 400, 200])
def test_a_quota_code_opens_the_breaker_whatever_the_status(
    fake: FakeProvider, ask: Ask, status: int, detail: dict[str, object]
) -> None:
    fake.script(Behaviour(status=status, body={"error": {"message": "pay", **detail}}))
    error = refusal(ask, QuotaExhausted)
    assert error.opens_breaker
    assert not error.is_retryable


@pytest.mark.parametrize("code", ["organization_on_hold", "cmek_key_disabled"])
def test_an_account_that_is_shut_opens_the_breaker_though_it_is_a_400(
    fake: FakeProvider, ask: Ask, code: str
) -> None:
    detail = {"type": "invalid_request_error", "message": "no", "details": {"error_code": code}}
    fake.script(Behaviour(status=400, body={"type": "error", "error": detail}))
    assert refusal(ask, AuthenticationRefused).opens_breaker


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "odd"}, BadResponse),
        ({}, BadResponse),
        ("just text", BadResponse),
        ({"type": "overloaded_error", "message": "busy"}, ServerFailed),
        ({"type": "rate_limit_error"}, RateLimitedByProvider),
        ({"code": 429, "message": "slow"}, RateLimitedByProvider),
        ({"code": 502}, ServerFailed),
        ({"code": 401}, AuthenticationRefused),
        ({"code": "content_filter"}, ContentFiltered),
    ],
)
def test_an_error_in_a_200_is_an_error(
    fake: FakeProvider, ask: Ask, error: object, kind: type[ProviderError]
) -> None:
    fake.script(Behaviour(body={"error": error}))
    refusal(ask, kind)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        "{}",
        "<html><body>Bad gateway</body></html>",
        '{"choices": [{"message"',
        '{"choices": []}',
        '{"choices": [null]}',
        '{"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}',
        '{"choices": {"0": 1}}',
        '{"choices": [{"message": "text"}]}',
        '{"content": "text", "stop_reason": "end_turn"}',
        '{"content": [{"type": "text"}], "stop_reason": "end_turn"}',
        '{"content": [7], "stop_reason": "end_turn"}',
        '{"content": [{"type": "text", "text": "x"}]}',
        '{"choices": NaN, "content": NaN}',
        "1" * 5000,
    ],
)
def test_a_200_that_is_no_answer_is_a_bad_response(fake: FakeProvider, ask: Ask, body: str) -> None:
    fake.script(Behaviour(body=body))
    error = refusal(ask, BadResponse)
    assert error.http_status == 200
    assert error.is_retryable


def test_a_page_of_html_with_a_500_is_a_server_error_that_quotes_it(
    fake: FakeProvider, ask: Ask
) -> None:
    fake.script(Behaviour(status=502, body="<html>\n<h1>Bad gateway</h1>\n</html>"))
    assert refusal(ask, ServerFailed).message == ("HTTP 502: <html> <h1>Bad gateway</h1> </html>")


def test_a_message_that_quotes_the_key_is_scrubbed_and_short(fake: FakeProvider, ask: Ask) -> None:
    said = f"Incorrect API key provided: {KEY}. " + "x" * 5000 + "\0\ud800"
    fake.script(Behaviour(status=401, body={"error": {"message": said}}))
    error = refusal(ask, AuthenticationRefused)
    assert KEY not in error.message
    assert "[key]" in error.message
    assert len(error.message) <= 500


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_no_key_reaches_its_target(
    fake: FakeProvider, ask: Ask, status: int
) -> None:
    with FakeProvider() as other:
        target = other.base_url("openai") + "/chat/completions"
        fake.script(Behaviour(status=status, headers={"location": target}, body="x" * 100_000))
        error = refusal(ask, RequestRefused)
        assert "redirects" in error.message
        assert (fake.count(), other.count(), other.board.connections) == (1, 0, 0)
