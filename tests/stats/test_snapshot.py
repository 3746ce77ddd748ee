"""Figures are counted by hand here and compared, on whichever database the suite runs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.utils import timezone

from tasks.stats import StatsRange, get_snapshot, take_snapshot
from tasks.vocabulary import Status


def _provider(snapshot, name):
    return next(row for row in snapshot.providers if row.provider == name)


def test_an_empty_system_has_zeros_and_no_percentages(operator):
    snapshot = take_snapshot(operator, StatsRange.DAY)
    assert snapshot.counts == dict.fromkeys(Status, 0)
    assert snapshot.oldest_pending_s is None
    assert snapshot.failed_percent is None
    assert snapshot.providers == ()
    assert sum(point.total for point in snapshot.series) == 0


def test_counts_cover_every_state_and_every_time(operator, make_task):
    for status in Status:
        make_task(status.value)
    make_task("FAILED", ago=90 * 86_400)
    counts = take_snapshot(operator, StatsRange.HOUR).counts
    assert counts == dict.fromkeys(Status, 1) | {Status.FAILED: 2}


@pytest.mark.parametrize("look_back", list(StatsRange))
def test_a_range_counts_what_ended_within_it_and_nothing_older(operator, make_task, look_back):
    inside = look_back.length.total_seconds()
    make_task(ago=inside - 30)
    make_task("FAILED", ago=inside + 30)
    snapshot = take_snapshot(operator, look_back)
    assert snapshot.finished == {
        Status.COMPLETED: 1, Status.FAILED: 0, Status.CANCELLED: 0
    }  # fmt: skip
    assert snapshot.failed_percent == 0
    assert sum(point.total for point in snapshot.series) == 1
    assert snapshot.series[0].completed + snapshot.series[1].completed == 1


def test_a_point_of_the_series_holds_what_ended_in_its_bar(operator, make_task):
    make_task(ago=0)
    make_task("CANCELLED", ago=0)
    make_task("FAILED", ago=3 * 3600)
    points = take_snapshot(operator, StatsRange.DAY).series
    assert (points[-1].completed, points[-1].cancelled, points[-1].failed) == (1, 1, 0)
    assert points[-4].failed == 1
    assert all(b.start - a.start == timedelta(hours=1) for a, b in pairwise(points))


def test_an_answer_counts_for_the_provider_that_gave_it(operator, make_task):
    make_task(provider="deepseek", served_provider="openai", result_source="fallback")
    make_task(provider="auto", served_provider="openai")
    snapshot = take_snapshot(operator, StatsRange.DAY)
    assert [row.provider for row in snapshot.providers] == ["openai"]
    assert (_provider(snapshot, "openai").completed, _provider(snapshot, "openai").fallbacks) == (
        2,
        1,
    )


def test_a_failure_counts_for_the_provider_that_was_tried_last(operator, make_task):
    make_task("FAILED", provider="auto", tried="anthropic")
    make_task("FAILED", provider="deepseek", error_code="expired")
    snapshot = take_snapshot(operator, StatsRange.DAY)
    assert _provider(snapshot, "anthropic").failed == 1
    assert _provider(snapshot, "deepseek").failed == 1
    assert {(e.provider, e.code, e.count) for e in snapshot.errors} == {
        ("anthropic", "timeout", 1), ("deepseek", "expired", 1)
    }  # fmt: skip


def test_mock_answers_count_toward_no_real_provider(operator, make_task):
    make_task("FAILED", provider="deepseek", cost_usd=Decimal("0.5"))
    for _ in range(9):
        make_task(
            provider="deepseek", served_provider="mock", result_source="mock",
            cost_usd=Decimal("7"), run=9, prompt_tokens=11,
        )  # fmt: skip
    snapshot = take_snapshot(operator, StatsRange.DAY)
    real, mock = snapshot.providers
    assert (real.provider, real.completed, real.failed, real.success_percent) == (
        "deepseek",
        0,
        1,
        0,
    )
    assert (mock.provider, mock.is_mock, mock.completed) == ("mock", True, 9)
    assert snapshot.failed_percent == 100
    assert snapshot.mock_answers == 9
    assert snapshot.cost_usd == snapshot.cost_today_usd == Decimal("0.5")
    assert sum(point.mock for point in snapshot.series) == 9
    assert sum(point.completed for point in snapshot.series) == 0


def test_cost_and_tokens_are_summed_and_unpriced_answers_named(operator, make_task):
    make_task(cost_usd=Decimal("0.0000012"), prompt_tokens=10, completion_tokens=3)
    make_task(cost_usd=Decimal("0.25"), prompt_tokens=5)
    make_task(cost_usd=None)
    row = _provider(take_snapshot(operator, StatsRange.DAY), "deepseek")
    assert row.cost_usd == Decimal("0.2500012")
    assert (row.unpriced, row.prompt_tokens, row.completion_tokens) == (1, 15, 3)


def test_cost_today_leaves_yesterday_out(operator, make_task):
    now = timezone.now()
    since_midnight = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    make_task(ago=0, cost_usd=Decimal("0.125"))
    make_task(ago=since_midnight + 5, cost_usd=Decimal("100"))
    assert take_snapshot(operator, StatsRange.WEEK).cost_today_usd == Decimal("0.125")


@pytest.mark.parametrize("scale", [0.001, 0.05, 1, 40, 7000])
def test_percentiles_are_within_five_percent_of_the_exact_ones(operator, make_task, scale):
    for n in range(1, 41):
        make_task(wait=n * scale, run=2 * n * scale)
    row = _provider(take_snapshot(operator, StatsRange.DAY), "deepseek")
    slack = {"rel": 0.05, "abs": 0.0011}
    assert row.wait_p50_s == pytest.approx(20 * scale, **slack)
    assert row.wait_p95_s == pytest.approx(38 * scale, **slack)
    assert row.run_p50_s == pytest.approx(40 * scale, **slack)
    assert row.run_p95_s == pytest.approx(76 * scale, **slack)


def test_the_wait_of_a_scheduled_task_begins_at_its_moment(operator, make_task):
    started_ago = timezone.now() - timedelta(seconds=61)
    make_task(wait=5000, run_after=started_ago - timedelta(seconds=2))
    row = _provider(take_snapshot(operator, StatsRange.DAY), "deepseek")
    assert row.wait_p50_s == pytest.approx(2, rel=0.05)


def test_cached_answers_and_cancelled_tasks_do_not_move_the_percentiles(operator, make_task):
    make_task(run=4)
    for _ in range(5):
        make_task(run=0, result_source="cache")
        make_task("CANCELLED", run=0)
    row = _provider(take_snapshot(operator, StatsRange.DAY), "deepseek")
    assert row.run_p50_s == pytest.approx(4, rel=0.05)
    assert (row.completed, row.cached, row.success_percent) == (6, 5, 100)


def test_oldest_age_is_that_of_due_tasks_only(operator, make_task):
    now = timezone.now()
    make_task("PENDING", created_at=now - timedelta(seconds=500), wake_at=now + timedelta(hours=1),
              waiting_reason="scheduled")  # fmt: skip
    make_task("PENDING", created_at=now - timedelta(seconds=30))
    snapshot = take_snapshot(operator, StatsRange.HOUR)
    assert snapshot.oldest_pending_s == pytest.approx(30, abs=5)
    assert (snapshot.due, snapshot.waiting) == (1, {"scheduled": 1})


def test_a_retried_task_is_as_old_as_its_retry(operator, make_task):
    make_task("PENDING", created_at=timezone.now() - timedelta(days=3), tried="openai", ago=20)
    assert take_snapshot(operator, StatsRange.HOUR).oldest_pending_s == pytest.approx(20, abs=5)


def test_silent_workers_are_listed_but_bring_no_capacity(operator, make_worker):
    make_worker("alive", slots=16, in_flight=3)
    make_worker("silent", slots=64, beat_ago=3600)
    snapshot = take_snapshot(operator, StatsRange.HOUR)
    assert [(w.name, w.is_alive) for w in snapshot.workers] == [("alive", True), ("silent", False)]
    assert (snapshot.capacity, snapshot.live_workers) == (16, 1)


def test_nobody_sees_figures_of_somebody_else(owner, stranger, operator, make_task, make_worker):
    make_worker("one")
    make_task(cost_usd=Decimal("1"))
    make_task("FAILED")
    make_task("PENDING")
    seen = take_snapshot(stranger, StatsRange.DAY)
    assert (seen.total, seen.providers, seen.errors, seen.recent_failures) == (0, (), (), ())
    assert (seen.cost_today_usd, seen.oldest_pending_s, seen.workers) == (0, None, None)
    assert seen.capacity is None
    assert take_snapshot(owner, StatsRange.DAY).total == 3
    assert take_snapshot(operator, StatsRange.DAY).total == 3


def test_shared_figures_never_pass_from_staff_to_others(owner, stranger, operator, make_task):
    make_task()
    assert get_snapshot(operator, StatsRange.DAY).total == 1
    assert get_snapshot(stranger, StatsRange.DAY).total == 0
    assert get_snapshot(owner, StatsRange.DAY).total == 1


def test_figures_of_the_same_seconds_are_not_computed_twice(
    operator, make_task, django_assert_num_queries
):
    make_task()
    get_snapshot(operator, StatsRange.MONTH)
    with django_assert_num_queries(0):
        assert get_snapshot(operator, StatsRange.MONTH).total == 1
