"""No minute sees more than its limit, and everything gets through in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.policy.limiter import Bucket, Limit, full, give_back, take

NOW = 1_790_000_000.0


@given(limit=st.integers(2, 5000), gaps=st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_no_sixty_seconds_see_more_than_the_limit(limit: int, gaps: list[float]) -> None:
    rule = Limit.per_minute(limit)
    bucket, now, taken = full(rule, NOW), NOW, []
    for gap in gaps:
        now += gap
        bucket, wait_s = take(rule, bucket, 1, now)
        if wait_s == 0:
            taken.append(now)
    for start in taken:
        assert sum(start <= moment < start + 60 for moment in taken) <= limit


@given(limit=st.integers(1, 1000), count=st.integers(1, 5000), drained=st.floats(0, 2000))
def test_waiting_as_long_as_told_is_enough(limit: int, count: int, drained: float) -> None:
    rule = Limit.per_minute(limit)
    bucket = give_back(full(rule, NOW), -drained)
    bucket, wait_s = take(rule, bucket, count, NOW)
    if wait_s:
        _, again_s = take(rule, bucket, count, NOW + wait_s * (1 + 1e-9) + 1e-5)
        assert again_s == 0


def test_a_refused_taking_takes_nothing() -> None:
    rule = Limit(capacity=10, per_s=1)
    bucket, wait_s = take(rule, Bucket(level=3, at=NOW), 5, NOW)
    assert (bucket.level, wait_s) == (3, 2.0)


def test_more_than_the_bucket_holds_leaves_a_debt_that_the_others_wait_out() -> None:
    rule = Limit(capacity=10, per_s=1)
    bucket, wait_s = take(rule, full(rule, NOW), 50, NOW)
    assert (bucket.level, wait_s) == (-40, 0.0)
    assert take(rule, bucket, 1, NOW)[1] == 41.0


def test_an_estimate_can_be_corrected_but_never_overfills() -> None:
    rule = Limit(capacity=10, per_s=1)
    bucket = give_back(full(rule, NOW), 100)
    assert take(rule, bucket, 10, NOW)[0].level == 0


def test_a_clock_that_steps_back_neither_refills_nor_drains() -> None:
    rule = Limit(capacity=10, per_s=1)
    bucket, _ = take(rule, full(rule, NOW), 10, NOW)
    bucket, wait_s = take(rule, bucket, 1, NOW - 120)
    assert wait_s == 1.0
    assert take(rule, bucket, 1, NOW)[1] == 1.0


@pytest.mark.parametrize(("limit", "per_minute"), [(1, 1), (2, 1), (10, 9), (60, 54), (1000, 900)])
def test_the_steady_rate_leaves_room_for_one_burst(limit: int, per_minute: float) -> None:
    assert Limit.per_minute(limit).per_s * 60 == pytest.approx(per_minute)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limit.per_minute(0)
