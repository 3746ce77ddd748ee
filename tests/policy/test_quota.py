"""Requests and tokens of a minute: both or neither, never too many, and nobody waits for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.policy.quota import Fill, Quota, Wait, correct, estimate_tokens, spend

NOW = 1_790_000_000.0

limits = st.one_of(st.none(), st.integers(1, 5_000))
calls = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 400)), min_size=1, max_size=200)


@given(requests=limits, tokens=st.one_of(st.none(), st.integers(4_000, 100_000)), asked=calls)
def test_no_sixty_seconds_see_more_than_either_limit(requests, tokens, asked) -> None:
    quota, fill, now, let_through = Quota(requests=requests, tokens=tokens), Fill(), NOW, []
    for gap, count in asked:
        now += gap
        left = spend(quota, fill, count, now)
        if not isinstance(left, Wait):
            fill = left
            let_through.append((now, count))
    for start, _ in let_through:
        minute = [count for moment, count in let_through if start <= moment < start + 60]
        assert requests is None or len(minute) <= requests
        assert tokens is None or sum(minute) <= tokens


@given(requests=limits, tokens=limits, count=st.integers(1, 10_000), before=calls)
def test_waiting_as_long_as_told_is_enough_for_both(requests, tokens, count, before) -> None:
    quota, fill = Quota(requests=requests, tokens=tokens), Fill()
    for _, earlier in before:
        left = spend(quota, fill, earlier, NOW)
        fill = fill if isinstance(left, Wait) else left
    refused = spend(quota, fill, count, NOW)
    if isinstance(refused, Wait):
        later = NOW + refused.seconds * (1 + 1e-9) + 1e-5
        assert not isinstance(spend(quota, fill, count, later), Wait)


@given(requests=limits, tokens=limits, before=calls, count=st.integers(-500, 500))
def test_a_fill_survives_its_json(requests, tokens, before, count) -> None:
    fill = Fill()
    for _, earlier in before:
        left = spend(Quota(requests=requests, tokens=tokens), fill, earlier, NOW)
        fill = fill if isinstance(left, Wait) else left
    fill = correct(fill, count)
    assert Fill.from_json(fill.to_json()) == fill


@given(too_many=st.integers(-400, 400))
def test_what_was_reckoned_too_high_can_be_spent_again(too_many: int) -> None:
    quota = Quota(tokens=10_000)
    left = spend(quota, Fill(), 500, NOW)
    assert isinstance(left, Fill)
    rest = 500 + too_many
    assert not isinstance(spend(quota, correct(left, too_many), rest, NOW), Wait)
    assert isinstance(spend(quota, correct(left, too_many), rest + 1, NOW), Wait)


def test_the_limit_that_waits_longest_is_named() -> None:
    quota = Quota(requests=60, tokens=100)
    left = spend(quota, Fill(), 10, NOW)
    assert isinstance(left, Fill)
    refused = spend(quota, left, 10, NOW)
    assert isinstance(refused, Wait)
    assert refused.reason == "limit of 100 tokens a minute"


@given(prompt=st.text(max_size=200), system=st.text(max_size=50), most=st.integers(1, 1000))
def test_an_estimate_holds_the_whole_answer_and_grows_with_the_text(prompt, system, most) -> None:
    bare = estimate_tokens(prompt="", system="", max_tokens=most)
    assert estimate_tokens(prompt=prompt, system=system, max_tokens=most) >= bare > most
