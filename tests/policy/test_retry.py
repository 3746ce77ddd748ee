"""Which failures are tried again, when, and at whose expense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import errors
from tasks.errors import ProviderError
from tasks.policy.retry import GiveUp, RetryIn, decide_retry, lane_wait_s

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]
KINDS = [kind for kind in KINDS if issubclass(kind, ProviderError) and kind is not ProviderError]
UNIT = st.floats(0, 1, exclude_max=True)


def decide(
    error: ProviderError, *, attempts: int = 1, draw: float = 0.5, has_alternative: bool = True
) -> RetryIn | GiveUp:
    return decide_retry(
        error,
        attempts=attempts,
        max_attempts=5,
        base_s=1,
        cap_s=60,
        random=lambda: draw,
        has_alternative=has_alternative,
    )


@pytest.mark.parametrize(("attempts", "most_s"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_the_wait_is_a_draw_from_an_interval_that_doubles(attempts: int, most_s: float) -> None:
    for draw in (0.0, 0.25, 0.999):
        decision = decide(errors.ServerFailed("x"), attempts=attempts, draw=draw)
        assert decision == RetryIn(delay_s=draw * most_s, spends_attempt=True)


@given(attempts=st.integers(1, 10_000), draw=UNIT)
def test_the_wait_never_passes_the_cap(attempts: int, draw: float) -> None:
    decision = decide_retry(
        errors.CallTimedOut("x"),
        attempts=attempts,
        max_attempts=20_000,
        base_s=1,
        cap_s=60,
        random=lambda: draw,
    )
    assert isinstance(decision, RetryIn)
    assert 0 <= decision.delay_s <= 60


@given(draw=UNIT, asked_s=st.floats(0, 86_400), kind=st.sampled_from(KINDS))
def test_nobody_is_asked_again_sooner_than_they_said(
    draw: float, asked_s: float, kind: type[ProviderError]
) -> None:
    error = kind("x", retry_after_s=asked_s)
    decision = decide(error, draw=draw)
    if error.is_retryable:
        assert isinstance(decision, RetryIn)
        assert max(decision.delay_s, lane_wait_s(error, base_s=1) or 0.0) >= asked_s


@given(draw=UNIT, asked_s=st.floats(0.001, 86_400), kind=st.sampled_from(KINDS))
def test_a_provider_that_asks_for_a_wait_holds_itself_and_not_the_task(
    draw: float, asked_s: float, kind: type[ProviderError]
) -> None:
    error = kind("x", retry_after_s=asked_s)
    decision = decide(error, draw=draw)
    if error.is_retryable and error.can_failover:
        assert lane_wait_s(error, base_s=1) == asked_s
        assert isinstance(decision, RetryIn)
        assert decision.delay_s <= 1  # the first backoff


@pytest.mark.parametrize(
    "kind", [errors.AuthenticationRefused, errors.QuotaExhausted, errors.RequestRefused]
)
def test_what_a_wait_does_not_mend_asks_nobody_to_wait(kind: type[ProviderError]) -> None:
    assert lane_wait_s(kind("x", retry_after_s=60), base_s=1) is None


def test_a_request_that_may_be_tried_again_waits_by_itself() -> None:
    error = errors.RequestRefused("x", retry_after_s=60, is_retryable=True)
    assert lane_wait_s(error, base_s=1) is None
    assert decide(error) == RetryIn(delay_s=60, spends_attempt=True)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.spends_attempt])
def test_the_last_attempt_is_the_last(kind: type[ProviderError]) -> None:
    assert isinstance(decide(kind("x"), attempts=5), GiveUp)


def test_a_rate_limit_spends_no_attempt_and_never_gives_up() -> None:
    error = errors.RateLimitedByProvider("x", retry_after_s=9999)
    assert decide(error, attempts=5) == RetryIn(delay_s=0.0, spends_attempt=False)
    assert lane_wait_s(error, base_s=1) == 9999


@pytest.mark.parametrize("asked_s", [None, 0.0])
def test_a_rate_limit_without_a_wait_still_waits(asked_s: float | None) -> None:
    error = errors.RateLimitedByProvider("x", retry_after_s=asked_s)
    assert lane_wait_s(error, base_s=1) == 1


def test_a_failure_without_a_wait_holds_up_nobody_else() -> None:
    assert lane_wait_s(errors.ServerFailed("x"), base_s=1) is None


@pytest.mark.parametrize("kind", [errors.QuotaExhausted, errors.AuthenticationRefused])
def test_what_only_another_provider_can_mend_moves_on_at_once_or_ends(
    kind: type[ProviderError],
) -> None:
    assert decide(kind("x")) == RetryIn(delay_s=0.0, spends_attempt=True)
    assert isinstance(decide(kind("x"), has_alternative=False), GiveUp)


@pytest.mark.parametrize("kind", [errors.RequestRefused, errors.ContentFiltered])
def test_what_no_provider_can_mend_is_final(kind: type[ProviderError]) -> None:
    assert isinstance(decide(kind("x")), GiveUp)


def test_the_vendors_own_word_decides() -> None:
    assert isinstance(decide(errors.RequestRefused("x", is_retryable=True)), RetryIn)
    refused = errors.ServerFailed("x", is_retryable=False)
    assert decide(refused) == RetryIn(delay_s=0.0, spends_attempt=True)
    assert isinstance(decide(refused, has_alternative=False), GiveUp)
