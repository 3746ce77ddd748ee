"""The breaker opens on a bad minute, lets one probe through, and never gets stuck."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import (
    AuthenticationRefused,
    ProviderError,
    QuotaExhausted,
    RateLimitedByProvider,
    RequestRefused,
    ServerFailed,
)
from tasks.policy.breaker import OPEN_S, Breaker, BreakerState, Force

NOW = 1_790_000_000.0
LEASE_S = 90.0
FAILED = ServerFailed("x")


def after(*results: ProviderError | None, start: float = NOW, step_s: float = 1.0) -> Breaker:
    breaker = Breaker()
    for number, result in enumerate(results):
        breaker = breaker.record(result, now=start + number * step_s)
    return breaker


def opened() -> Breaker:
    return after(*[FAILED] * 5, step_s=0.0)


def probing() -> Breaker:
    admitted = opened().admit(NOW + OPEN_S, probe_lease_s=LEASE_S)
    assert admitted is not None
    assert admitted[1]
    return admitted[0]


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([FAILED] * 4, BreakerState.CLOSED),
        ([FAILED] * 5, BreakerState.OPEN),
        ([None, None, None, FAILED, FAILED], BreakerState.CLOSED),
        ([None, None, FAILED, FAILED, FAILED], BreakerState.OPEN),
        ([None, None, None, FAILED, FAILED, FAILED], BreakerState.OPEN),
        ([RateLimitedByProvider("x")] * 20, BreakerState.CLOSED),
        ([RequestRefused("x")] * 20, BreakerState.CLOSED),
        ([AuthenticationRefused("x")], BreakerState.OPEN),
        ([None] * 50 + [QuotaExhausted("x")], BreakerState.OPEN),
    ],
)
def test_half_of_at_least_five_failed_calls_open_it_and_a_dead_key_at_once(
    results: list[ProviderError | None], state: BreakerState
) -> None:
    assert after(*results).state is state


def test_failures_spread_over_more_than_a_minute_do_not_open_it() -> None:
    assert after(*[FAILED] * 20, step_s=20.0).state is BreakerState.CLOSED


def test_it_tells_why_it_opened() -> None:
    assert opened().reason == "5 of 5 calls failed"
    assert after(QuotaExhausted("x")).reason == "quota_exhausted"


def test_open_lets_nothing_through_for_thirty_seconds() -> None:
    breaker = opened()
    assert breaker.blocked_until(NOW + 29) == NOW + OPEN_S
    assert breaker.admit(NOW + 29, probe_lease_s=LEASE_S) is None


def test_then_exactly_one_probe_goes() -> None:
    breaker = probing()
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.admit(NOW + OPEN_S + 1, probe_lease_s=LEASE_S) is None


@pytest.mark.parametrize("answer", [None, RateLimitedByProvider("x"), RequestRefused("x")])
def test_a_probe_that_shows_life_closes_it(answer: ProviderError | None) -> None:
    healed = probing().record(answer, now=NOW + 40, is_probe=True)
    assert healed == Breaker()


def test_a_failed_probe_opens_it_again_for_as_long() -> None:
    breaker = probing().record(FAILED, now=NOW + 40, is_probe=True)
    assert breaker.blocked_until(NOW + 41) == NOW + 40 + OPEN_S


@pytest.mark.parametrize("late", [None, FAILED])
def test_late_results_of_earlier_calls_change_nothing_while_it_is_not_closed(
    late: ProviderError | None,
) -> None:
    for breaker in (opened(), probing()):
        assert breaker.record(late, now=NOW + 31) == breaker


def test_a_probe_whose_worker_died_is_replaced_after_its_lease() -> None:
    lost = NOW + OPEN_S + LEASE_S
    assert probing().admit(lost - 1, probe_lease_s=LEASE_S) is None
    assert probing().admit(lost, probe_lease_s=LEASE_S) is not None


def test_a_probe_given_back_unsent_frees_the_place_at_once() -> None:
    released = probing().release_probe(NOW + 35)
    assert released.admit(NOW + 35, probe_lease_s=LEASE_S) is not None
    assert Breaker().release_probe(NOW) == Breaker()


def test_an_operator_has_the_last_word() -> None:
    assert Breaker().forced(Force.OPEN).blocked_until(NOW) == math.inf
    assert Breaker().forced(Force.OPEN).admit(NOW, probe_lease_s=LEASE_S) is None
    kept_closed = opened().forced(Force.CLOSED)
    assert kept_closed.admit(NOW, probe_lease_s=LEASE_S) == (kept_closed, False)
    assert opened().forced(Force.AUTO) == Breaker()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["ok", "fail", "dead key", "limited", "admit", "release"]),
        st.floats(0, 40),
        st.booleans(),
    ),
    max_size=60,
)
ERRORS = {"ok": None, "fail": FAILED, "dead key": AuthenticationRefused("x")}
ERRORS["limited"] = RateLimitedByProvider("x")


@given(events=EVENTS)
def test_whatever_happens_it_survives_json_and_opens_the_way_again(
    events: list[tuple[str, float, bool]],
) -> None:
    breaker, now = Breaker(), NOW
    for name, step_s, is_probe in events:
        now += step_s
        if name == "admit":
            admitted = breaker.admit(now, probe_lease_s=LEASE_S)
            breaker = admitted[0] if admitted else breaker
        elif name == "release":
            breaker = breaker.release_probe(now)
        else:
            breaker = breaker.record(ERRORS[name], now=now, is_probe=is_probe)
        assert Breaker.from_json(breaker.to_json()) == breaker
        assert len(breaker.window) <= 14
    assert (breaker.blocked_until(now) or now) <= now + max(OPEN_S, LEASE_S)
