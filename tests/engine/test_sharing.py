"""Identical requests of one owner: one call while it runs, its answer again for a while."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from model_bakery import baker

from tasks import services
from tasks.conf import get_conf
from tasks.engine.claim import claim
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.gates import free_ungated
from tasks.engine.rescue import rescue
from tasks.engine.settle import settle_each
from tasks.engine.sharing import free_orphans
from tasks.engine.verdict import judge
from tasks.errors import ProviderError, RequestRefused
from tasks.models import Attempt, Event, Task
from tasks.policy.pricing import Cost, Rates
from tasks.providers.base import Completion, Usage
from tasks.stats import StatsRange, take_snapshot
from tasks.vocabulary import FinishReason

pytestmark = pytest.mark.django_db(transaction=True)

COST = Decimal("0.0123")
RATES = Rates(input=Decimal(1), cached=Decimal(0), output=Decimal(5))


@pytest.fixture(autouse=True)
def _shared(settings) -> None:
    settings.TASKRUNNER_CACHE_TTL = 600
    settings.TASKRUNNER_PROVIDERS = {
        name: {
            "api_keys": ["key"] if name in ("openai", "deepseek") else [],
            "base_url": "",
            "default_model": "",
            "models": [],
        }
        for name in ("deepseek", "openai", "anthropic", "local")
    }


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(**fields) -> Task:
        return make_task(**({"provider": "openai", "model": "gpt-6-luna"} | fields))

    return make


def claimed(slots: int = 50) -> list[Claimed]:
    return claim(slots, "worker").claimed


def answer(
    call: Claimed, error: ProviderError | None = None, finish: FinishReason = FinishReason.STOP
) -> None:
    completion = Completion(
        text="forty-two", model="gpt-6-luna", finish_reason=finish, request_id="",
        usage=Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=0),
    )  # fmt: skip
    answered = Answer(
        claimed=call,
        completion=None if error else completion,
        error=error,
        cost=None if error else Cost(usd=COST, rates=RATES),
    )
    settle_each([judge(answered, get_conf(), lambda: 0.5)])


def test_identical_requests_share_one_call(ask):
    tasks = [ask() for _ in range(5)]

    (call,) = claimed()
    followers = Task.objects.filter(status="PENDING")
    assert followers.count() == 4
    assert {one.waiting_reason for one in followers} == {
        "an identical request is being called; its answer will serve both"
    }
    answer(call)

    assert claimed() == []
    done = Task.objects.filter(result="forty-two", status="COMPLETED")
    assert done.count() == 5
    copies = done.filter(result_source="cache")
    assert {one.pk for one in copies} == {task.pk for task in tasks[1:]}
    for copy in copies:
        assert (copy.cost_usd, copy.saved_usd, copy.prompt_tokens, copy.attempts) == (0, COST, 0, 0)
        assert (copy.served_provider, copy.served_model) == ("openai", "gpt-6-luna")
        assert copy.started_at is not None
        assert copy.finished_at is not None
    assert Attempt.objects.count() == 1


def test_copy_tells_its_story_in_events(ask):
    ask()
    answer(claimed()[0])
    copy = ask()
    claimed()

    types = list(
        Event.objects.filter(task_id=copy.pk).order_by("id").values_list("type", flat=True)
    )
    assert types[-2:] == ["task.started", "task.completed"]


def test_answer_serves_until_it_is_too_old(ask):
    first = ask()
    answer(claimed()[0])
    ask()
    assert claimed() == []

    Task.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(seconds=601))
    ask()
    assert len(claimed()) == 1


@pytest.mark.parametrize(
    "other",
    [{"prompt": "other"}, {"system": "be brief"}, {"max_tokens": 5}, {"temperature": 0.5},
     {"model": "gpt-6.1-sol"}, {"provider": "auto"}],
)  # fmt: skip
def test_requests_that_differ_are_called_each(ask, other):
    ask()
    ask(**other)

    assert len(claimed()) == 2


def test_nothing_is_shared_among_owners(ask, make_task, stranger):
    ask()
    answer(claimed()[0])
    baker.make(Task, owner=stranger, provider="openai", model="gpt-6-luna", prompt="hello",
               max_attempts=3)  # fmt: skip

    assert len(claimed()) == 1


def test_failed_call_fails_nobody_else(ask):
    first, second, _third = ask(), ask(), ask()
    answer(claimed()[0], error=RequestRefused("400"))

    first.refresh_from_db()
    assert first.status == "FAILED"
    (call,) = claimed()
    assert call.task_id == second.pk
    answer(call)
    assert claimed() == []
    assert Task.objects.filter(status="COMPLETED").count() == 2


def test_cut_answer_is_not_shared(ask):
    ask()
    answer(claimed()[0], finish=FinishReason.LENGTH)
    ask()

    assert len(claimed()) == 1


def test_stand_ins_answer_is_not_shared(ask):
    ask()
    (call,) = claimed()
    answer(replace(call, is_fallback=True))
    ask()

    assert len(claimed()) == 1


def test_mock_answers_each_by_itself(make_task):
    for _ in range(3):
        make_task()

    assert len(claimed()) == 3


def test_follower_leads_when_its_leader_is_cancelled(ask, owner):
    leader, follower = ask(), ask()
    (call,) = claimed()
    services.cancel(owner, leader.pk)
    free_orphans()

    (next_call,) = claimed()
    assert next_call.task_id == follower.pk
    answer(call)  # late: changes nothing
    answer(next_call)
    assert Task.objects.get(pk=follower.pk).result_source == "provider"
    assert Task.objects.get(pk=leader.pk).status == "CANCELLED"


def test_cancelled_follower_leaves_the_call_alone(ask, owner):
    ask()
    follower = ask()
    (call,) = claimed()
    services.cancel(owner, follower.pk)
    answer(call)

    assert Task.objects.get(pk=follower.pk).status == "CANCELLED"


def test_followers_of_a_lost_call_go_on(ask):
    leader, _ = ask(), ask()
    claimed()
    Task.objects.filter(pk=leader.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    rescue()
    free_orphans()

    assert len(claimed()) == 1
    assert Task.objects.filter(held_by="sharing").count() == 1


def test_followers_are_freed_when_sharing_is_turned_off(ask, settings):
    ask(), ask()
    claimed()
    settings.TASKRUNNER_CACHE_TTL = 0
    free_ungated()

    assert len(claimed()) == 1


def test_two_claims_at_once_call_once(ask):
    for _ in range(40):
        ask()
    gate = Barrier(4)

    def work(_: int) -> int:
        try:
            gate.wait(10)
            return len(claimed(10))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1


def test_saving_is_shown(ask, owner):
    ask(), ask(), ask()
    answer(claimed()[0])
    claimed()
    cache.clear()

    snapshot = take_snapshot(owner, StatsRange.HOUR)
    assert (snapshot.saved_usd, snapshot.cost_usd) == (2 * COST, COST)


def test_turned_off_it_asks_the_database_nothing(ask, settings):
    settings.TASKRUNNER_CACHE_TTL = 0
    for _ in range(2):
        ask()
    with CaptureQueriesContext(connection) as captured:
        assert len(claimed()) == 2

    lookups = [one["sql"] for one in captured.captured_queries if '"share_key" IN' in one["sql"]]
    assert lookups == []
    assert set(Task.objects.values_list("share_key", flat=True)) == {None}
