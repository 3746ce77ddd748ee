"""The rollups tell what counting every row would, whatever happened, and whenever it is asked."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from tasks.models import Attempt, EndedDay, EndedHour, RollupProgress, TallyDay, Task
from tasks.services.templates import create_template
from tasks.stats import StatsRange, take_snapshot
from tasks.stats.hour_rows import write_hours
from tasks.stats.rollup import rebuild, roll_up

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDERS = ("deepseek", "openai", "anthropic", "mock")


@pytest.fixture
def work(owner, stranger):
    """Thirty days of random work of two people; failed tries, late answers and mocks among it."""
    dice = random.Random(11)
    now = timezone.now()
    made = create_template(owner, {"name": "greet", "prompt": "Hello"})
    versions = [None, None, made.versions.get()]
    tasks, attempts = [], []
    for _ in range(700):
        end = now - timedelta(seconds=dice.choice([7_000, 200_000, 2_700_000]) * dice.random())
        tasks.append(_task(dice, end, dice.choice([owner, owner, stranger]), versions))
    for task in Task.objects.bulk_create(tasks):
        for number in range(1, dice.randint(1, 4)):
            attempts.append(_attempt(dice, task, number))
    Attempt.objects.bulk_create(attempts)


def _task(dice, end, owner, versions):
    asked = dice.choice(PROVIDERS[:3])
    values = {"status": dice.choice(["COMPLETED"] * 6 + ["FAILED", "CANCELLED"])}
    if values["status"] == "COMPLETED":
        source = dice.choice(["provider"] * 4 + ["fallback", "cache", "mock"])
        served = {"fallback": "openai", "mock": "mock"}.get(source, asked)
        values |= {
            "result_source": source,
            "served_provider": served,
            "served_model": dice.choice(["a", "b"]),
            "saved_usd": Decimal(dice.randint(1, 10**12)) / 10**10 if source == "cache" else None,
        }
    elif values["status"] == "FAILED":
        values["error_code"] = dice.choice(["timeout", "server_error"])
    start = end - timedelta(seconds=dice.lognormvariate(0, 1.5))
    values["template_version"] = dice.choice(versions)
    return Task(owner=owner, prompt="p", provider=asked, model="m", max_attempts=5,
                finished_at=end, started_at=dice.choice([start, None]), **values)  # fmt: skip


def _attempt(dice, task, number):
    end = task.finished_at - timedelta(minutes=dice.choice([0, 0, 70]))
    cost = dice.choice([None, Decimal(dice.randint(1, 10**12)) / 10**10])
    return Attempt(task=task, number=number, provider=dice.choice(PROVIDERS),
                   model=dice.choice(["a", "b"]), lease_token=uuid.uuid4(), cost_usd=cost,
                   outcome=dice.choice(["succeeded", "failed", "unknown", "deferred", ""]),
                   prompt_tokens=dice.choice([None, 7, 900]), completion_tokens=dice.randint(0, 9),
                   started_at=end, finished_at=end)  # fmt: skip


def _figures(user):
    """All figures of all ranges as of one moment, less what is of that moment alone."""
    return [take_snapshot(user, look_back) for look_back in StatsRange]


def _comparable(snapshot):
    return (
        snapshot.finished, snapshot.failed_percent, snapshot.cost_usd, snapshot.cost_today_usd,
        snapshot.mock_answers, snapshot.series, snapshot.providers, snapshot.models,
        snapshot.templates, snapshot.errors, snapshot.counts, snapshot.saved_usd,
    )  # fmt: skip


def _assert_same(before, after):
    for one, other in zip(before, after, strict=True):
        assert _comparable(one) == _comparable(other), one.range


def test_rolled_figures_equal_a_recount_to_the_last_digit(
    work, owner, stranger, operator, monkeypatch
):
    now = timezone.now()
    monkeypatch.setattr("tasks.stats.snapshot.database_now", lambda: now)
    people = (owner, stranger, operator)
    counted = [_figures(user) for user in people]
    paid = Attempt.objects.exclude(provider="mock").exclude(outcome="")
    since = now - timedelta(days=30)
    by_hand = sum(a.cost_usd for a in paid if a.cost_usd and a.finished_at >= since)
    assert counted[2][3].cost_usd == by_hand > 10_000

    assert counted[2][3].templates[0].completed == _completed_by_template(since)
    assert counted[2][3].models[0].answered > 0
    copies = Task.objects.filter(saved_usd__isnull=False, finished_at__gte=since)
    assert counted[2][3].saved_usd == sum(task.saved_usd for task in copies) > 100

    roll_up()

    assert EndedHour.objects.filter(owner=None).count() > 100
    for user, before in zip(people, counted, strict=True):
        _assert_same(before, _figures(user))
    rebuild()
    _assert_same(counted[2], _figures(operator))


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(microseconds=1), timedelta(hours=23)])
def test_days_begin_and_end_where_a_recount_says(work, operator, make_task, monkeypatch, offset):
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(3, 33):
        for late in (-1e-6, 0.0, 1e-6):
            moment = midnight - timedelta(days=day - 2) + timedelta(seconds=late)
            Task.objects.filter(pk=make_task(cost_usd=Decimal("0.5")).pk).update(finished_at=moment)
            Attempt.objects.filter(task=Task.objects.first()).update(finished_at=moment)
    now = midnight + offset
    monkeypatch.setattr("tasks.stats.snapshot.database_now", lambda: now)
    monkeypatch.setattr("tasks.stats.rollup.database_now", lambda: now)
    before = _figures(operator)
    roll_up()
    assert EndedDay.objects.filter(owner=None, day__gt=0).values("day").distinct().count() >= 30
    _assert_same(before, _figures(operator))


def test_a_month_reads_whole_days_from_their_own_rows(operator, make_task):
    make_task(ago=10 * 86_400)
    roll_up()
    EndedDay.objects.update(count=5)
    assert take_snapshot(operator, StatsRange.MONTH).finished["COMPLETED"] == 5
    assert take_snapshot(operator, StatsRange.WEEK).finished["COMPLETED"] == 0


def test_what_settles_late_in_a_day_that_was_added_up_is_in_its_sum(operator, make_task):
    make_task(ago=3 * 86_400, cost_usd=Decimal("0.5"))
    roll_up()
    make_task(ago=3 * 86_400, cost_usd=Decimal("0.25"))
    day = EndedDay.objects.get(owner=None).day
    for hour in range(24 * day, 24 * day + 24):
        write_hours(range(hour, hour + 1))
    snapshot = take_snapshot(operator, StatsRange.MONTH)
    assert (snapshot.finished["COMPLETED"], snapshot.cost_usd) == (2, Decimal("0.75"))
    assert TallyDay.objects.get(owner=None, kind="model").completed == 2


def _completed_by_template(since):
    made = Task.objects.filter(template_version__isnull=False, finished_at__gte=since)
    return made.filter(status="COMPLETED").count()


def test_a_look_back_reads_whole_hours_from_the_rollups(
    operator, make_task, django_assert_num_queries
):
    make_task(ago=5 * 3600)
    roll_up()
    Task.objects.update(finished_at=timezone.now() - timedelta(days=300))
    assert take_snapshot(operator, StatsRange.DAY).finished["COMPLETED"] == 1
    assert take_snapshot(operator, StatsRange.HOUR).finished["COMPLETED"] == 0


def test_what_ends_within_this_hour_shows_at_once(operator, make_task):
    roll_up()
    make_task(ago=0, cost_usd=Decimal("0.25"))
    snapshot = take_snapshot(operator, StatsRange.MONTH)
    assert (snapshot.finished["COMPLETED"], snapshot.cost_usd) == (1, Decimal("0.25"))


def test_without_a_rollup_everything_is_counted(operator, make_task):
    make_task(ago=20 * 86_400)
    assert not RollupProgress.objects.exists()
    assert take_snapshot(operator, StatsRange.MONTH).finished["COMPLETED"] == 1


def test_a_task_that_settles_late_is_in_the_next_rollup(operator, make_task):
    roll_up()
    make_task(ago=3600)
    roll_up()
    assert take_snapshot(operator, StatsRange.DAY).finished["COMPLETED"] == 1


def test_tasks_retried_or_deleted_days_later_leave_the_figures(operator, make_task, monkeypatch):
    retried, deleted = make_task("FAILED", ago=5 * 86_400), make_task("FAILED", ago=9 * 86_400)
    make_task("FAILED", ago=9 * 86_400)
    roll_up()
    Task.objects.filter(pk=retried.pk).update(status="PENDING", finished_at=None)
    Task.objects.filter(pk=deleted.pk).delete()
    start = timezone.now()
    for minute in range(34):  # one for each day that is kept, one more in case midnight passes
        moment = start + timedelta(minutes=minute)
        monkeypatch.setattr("tasks.stats.rollup.database_now", lambda now=moment: now)
        roll_up()
    assert take_snapshot(operator, StatsRange.MONTH).finished["FAILED"] == 1


def test_figures_outlive_the_tasks_that_retention_removed(operator, make_task, settings):
    settings.TASKRUNNER_RETENTION_DAYS = 7
    make_task(ago=20 * 86_400, cost_usd=Decimal("0.5"))
    roll_up()
    Task.objects.all().delete()
    rebuild()
    snapshot = take_snapshot(operator, StatsRange.MONTH)
    assert (snapshot.finished["COMPLETED"], snapshot.cost_usd) == (1, Decimal("0.5"))


def test_rebuild_stats_mends_rollups_that_went_wrong(operator, make_task, capsys):
    make_task(ago=50 * 3600)
    roll_up()
    EndedHour.objects.update(count=99)
    call_command("rebuild_stats")
    assert "hours added up anew" in capsys.readouterr().out
    assert take_snapshot(operator, StatsRange.WEEK).finished["COMPLETED"] == 1
