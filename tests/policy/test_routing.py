"""Who is called, who stands in, and until when a task waits if nobody can be called."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.policy.routing import LONGEST_PARK_S, Call, Defer, Lane, Rules, Wish, route
from tasks.vocabulary import REAL_PROVIDERS, AutoRouting, MockMode, Provider

NOW = 1_790_000_000.0
DEEPSEEK, OPENAI, ANTHROPIC = Provider.DEEPSEEK, Provider.OPENAI, Provider.ANTHROPIC
ORDER = (DEEPSEEK, OPENAI, ANTHROPIC)
RULES = Rules(failover=ORDER)


def open_lanes(*providers: Provider) -> dict[Provider, Lane]:
    return {provider: Lane(model=f"{provider}-model") for provider in providers}


def shut(until: float = NOW + 30, reason: str = "breaker open", *, is_out: bool = True) -> Lane:
    return Lane(model="m", blocked_until=until, reason=reason, is_out=is_out)


def test_the_provider_asked_for_is_called() -> None:
    call = route(Wish(provider=OPENAI), open_lanes(*ORDER), RULES, now=NOW)
    assert call == Call(provider=OPENAI, model="openai-model", is_fallback=False)


def test_the_next_in_failover_order_stands_in_and_says_so() -> None:
    lanes = open_lanes(*ORDER) | {OPENAI: shut()}
    call = route(Wish(provider=OPENAI), lanes, RULES, now=NOW)
    assert call == Call(provider=DEEPSEEK, model="deepseek-model", is_fallback=True)


@pytest.mark.parametrize(
    ("wish", "rules"),
    [
        (Wish(provider=OPENAI, may_failover=False), RULES),
        (Wish(provider=OPENAI), Rules(failover=())),
    ],
)
def test_without_failover_a_task_waits_for_its_own_provider(wish: Wish, rules: Rules) -> None:
    lanes = open_lanes(*ORDER) | {OPENAI: shut()}
    assert route(wish, lanes, rules, now=NOW) == Defer(
        until=NOW + 30, reason="openai: breaker open"
    )


def test_a_provider_that_failed_this_task_is_asked_after_the_others() -> None:
    wish = Wish(provider=OPENAI, failed_on=frozenset({OPENAI, DEEPSEEK}))
    call = route(wish, open_lanes(*ORDER), RULES, now=NOW)
    assert isinstance(call, Call)
    assert call.provider is ANTHROPIC


def test_but_it_is_asked_if_it_is_the_only_one_left() -> None:
    wish = Wish(provider=OPENAI, failed_on=frozenset({OPENAI}))
    lanes = {DEEPSEEK: shut(), OPENAI: Lane(model="m"), ANTHROPIC: shut()}
    call = route(wish, lanes, RULES, now=NOW)
    assert call == Call(provider=OPENAI, model="m", is_fallback=False)


def test_all_out_waits_for_the_earliest_and_names_every_reason() -> None:
    lanes = {DEEPSEEK: shut(NOW + 99, "rate limited"), OPENAI: shut(NOW + 30)}
    assert route(Wish(provider=DEEPSEEK), lanes, RULES, now=NOW) == Defer(
        until=NOW + 30, reason="deepseek: rate limited; openai: breaker open"
    )


def test_a_lane_opens_at_its_moment() -> None:
    lanes = {OPENAI: shut(NOW)}
    assert isinstance(route(Wish(provider=OPENAI), lanes, RULES, now=NOW), Call)


def test_what_only_an_operator_reopens_is_looked_at_again_soon() -> None:
    decision = route(Wish(provider=OPENAI), {OPENAI: shut(math.inf, "paused")}, RULES, now=NOW)
    assert decision == Defer(until=NOW + LONGEST_PARK_S, reason="openai: paused")


def test_a_provider_that_lost_its_key_is_waited_for_with_the_reason() -> None:
    decision = route(
        Wish(provider=OPENAI, may_failover=False), open_lanes(DEEPSEEK), RULES, now=NOW
    )
    assert isinstance(decision, Defer)
    assert decision.reason == "openai is not configured"


def test_a_lane_that_cannot_run_the_task_is_passed_over() -> None:
    lanes = {OPENAI: shut(), DEEPSEEK: Lane(model=None), ANTHROPIC: Lane(model="a")}
    call = route(Wish(provider=OPENAI), lanes, RULES, now=NOW)
    assert call == Call(provider=ANTHROPIC, model="a", is_fallback=True)


@pytest.mark.parametrize(
    ("auto", "chosen"),
    [
        (AutoRouting.HEALTHY, OPENAI),
        (AutoRouting.FASTEST, ANTHROPIC),
        (AutoRouting.CHEAPEST, DEEPSEEK),
    ],
)
def test_auto_chooses_by_health_speed_or_price(auto: AutoRouting, chosen: Provider) -> None:
    def lane(failure_share: float, p50_s: float, usd: str) -> Lane:
        estimate = Decimal(usd)
        return Lane(model="m", failure_share=failure_share, p50_s=p50_s, estimated_usd=estimate)

    lanes = {
        DEEPSEEK: lane(0.4, 3.0, "0.001"),
        OPENAI: lane(0.05, 2.0, "0.002"),
        ANTHROPIC: lane(0.3, 1.0, "0.003"),
    }
    call = route(Wish(provider=Provider.AUTO), lanes, Rules(failover=ORDER, auto=auto), now=NOW)
    assert call == Call(provider=chosen, model="m", is_fallback=False)


def test_auto_among_equals_keeps_the_failover_order() -> None:
    lanes = open_lanes(Provider.LOCAL, ANTHROPIC, OPENAI)
    call = route(Wish(provider=Provider.AUTO), lanes, RULES, now=NOW)
    assert isinstance(call, Call)
    assert call.provider is OPENAI


def test_auto_takes_an_unpriced_provider_for_the_dearest() -> None:
    lanes = {DEEPSEEK: Lane(model="m"), OPENAI: Lane(model="m", estimated_usd=Decimal(9))}
    rules = Rules(failover=ORDER, auto=AutoRouting.CHEAPEST)
    call = route(Wish(provider=Provider.AUTO), lanes, rules, now=NOW)
    assert isinstance(call, Call)
    assert call.provider is OPENAI


@pytest.mark.parametrize(
    ("mode", "lanes", "answers"),
    [
        (MockMode.AUTO, {}, "mock"),
        (MockMode.AUTO, {OPENAI: shut()}, "nobody"),
        (MockMode.ALWAYS, open_lanes(OPENAI), "mock"),
        (MockMode.NEVER, {}, "nobody"),
        (MockMode.FALLBACK, open_lanes(OPENAI), "openai"),
        (MockMode.FALLBACK, {OPENAI: shut()}, "mock"),
        (MockMode.FALLBACK, {OPENAI: shut(is_out=False)}, "nobody"),
        (MockMode.FALLBACK, {OPENAI: shut(), DEEPSEEK: shut(is_out=False)}, "nobody"),
        (MockMode.FALLBACK, {OPENAI: shut(), DEEPSEEK: shut()}, "mock"),
        (MockMode.FALLBACK, {}, "mock"),
    ],
)
def test_the_mock_answers_only_when_its_mode_says_so(
    mode: MockMode, lanes: dict[Provider, Lane], answers: str
) -> None:
    decision = route(Wish(provider=OPENAI), lanes, Rules(failover=ORDER, mock=mode), now=NOW)
    chosen = decision.provider.value if isinstance(decision, Call) else "nobody"
    assert chosen == answers


def test_the_mock_is_no_way_around_a_task_that_keeps_to_its_provider() -> None:
    lanes = {OPENAI: shut(), **open_lanes(DEEPSEEK)}
    wish = Wish(provider=OPENAI, may_failover=False)
    decision = route(wish, lanes, Rules(failover=ORDER, mock=MockMode.FALLBACK), now=NOW)
    assert isinstance(decision, Defer)


def test_the_mock_that_was_asked_for_answers_without_a_lane() -> None:
    call = route(Wish(provider=Provider.MOCK), open_lanes(OPENAI), RULES, now=NOW)
    assert call == Call(provider=Provider.MOCK, model="mock-1", is_fallback=False)


LANES = st.dictionaries(
    st.sampled_from(REAL_PROVIDERS),
    st.builds(
        Lane,
        model=st.sampled_from([None, "m"]),
        blocked_until=st.none() | st.floats(NOW - 100, NOW + 10_000) | st.just(math.inf),
        failure_share=st.none() | st.floats(0, 1),
        p50_s=st.none() | st.floats(0, 100),
    ),
)
WISHES = st.builds(
    Wish,
    provider=st.sampled_from([*REAL_PROVIDERS, Provider.AUTO]),
    may_failover=st.booleans(),
    failed_on=st.frozensets(st.sampled_from(REAL_PROVIDERS)),
)


@given(lanes=LANES, wish=WISHES, auto=st.sampled_from(AutoRouting))
def test_a_call_goes_to_an_open_lane_and_a_park_ends_in_the_future(
    lanes: dict[Provider, Lane], wish: Wish, auto: AutoRouting
) -> None:
    rules = Rules(failover=ORDER, auto=auto, mock=MockMode.NEVER)
    decision = route(wish, lanes, rules, now=NOW)
    if isinstance(decision, Call):
        lane = lanes[decision.provider]
        assert lane.model == decision.model
        assert lane.blocked_until is None or lane.blocked_until <= NOW
        assert decision.is_fallback == (wish.provider not in (decision.provider, Provider.AUTO))
    else:
        assert NOW < decision.until < math.inf
        assert decision.reason
