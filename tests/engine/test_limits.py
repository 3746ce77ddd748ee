"""Requests and tokens a minute: who goes, who waits, in which order, and what a call gives back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks import services
from tasks.conf import get_conf
from tasks.engine.claim import claim, seconds_to_next_wake
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.gates import free_ungated
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge, release
from tasks.errors import CallTimedOut, ProviderError, ServerFailed
from tasks.models import ProviderState, Task
from tasks.policy.limiter import Bucket
from tasks.policy.quota import Fill
from tasks.providers.base import Completion, Usage
from tasks.services import steering
from tasks.vocabulary import FinishReason, Provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def limited(settings) -> Callable[..., None]:
    """Configure providers, each with its limits: `limited(openai={"rpm": 60}, deepseek={})`."""

    def configure(**providers: dict[str, int]) -> None:
        settings.TASKRUNNER_PROVIDERS = {
            name: {
                "api_keys": ["key"] if name in providers else [],
                "base_url": "",
                "default_model": "",
                "models": [],
            }
            | providers.get(name, {})
            for name in ("deepseek", "openai", "anthropic", "local")
        }

    return configure


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(**fields) -> Task:
        defaults = {"provider": "openai", "model": "gpt-6-luna", "max_attempts": 5}
        return make_task(**(defaults | fields))

    return make


def claimed(slots: int = 50) -> list[Claimed]:
    return claim(slots, "worker").claimed


def answer(call: Claimed, *, usage: Usage | None = None, error: ProviderError | None = None):
    completion = Completion(
        text="yes", model="gpt-6-luna", finish_reason=FinishReason.STOP, usage=usage, request_id=""
    )
    answered = Answer(claimed=call, completion=None if error else completion, error=error)
    settle_each([judge(answered, get_conf(), lambda: 0.5)])


def refill(requests: float = 0, tokens: float = 0, name: str = "openai") -> None:
    """As if time had brought so much room."""
    state = ProviderState.objects.get(name=name)
    now = timezone.now().timestamp()
    state.fill = Fill(requests=Bucket(level=requests, at=now), tokens=Bucket(level=tokens, at=now))
    state.save()


def tokens_left() -> float:
    bucket = ProviderState.objects.get(name="openai").fill.tokens
    assert bucket is not None
    return bucket.level


def test_no_more_go_than_the_minute_allows_and_the_rest_say_why(ask, limited):
    limited(openai={"rpm": 30})
    tasks = [ask() for _ in range(8)]

    assert [call.task_id for call in claimed()] == [task.pk for task in tasks[:3]]
    waiting = Task.objects.get(pk=tasks[-1].pk)
    assert (waiting.status, waiting.attempts, waiting.claims) == ("PENDING", 0, 0)
    assert waiting.waiting_reason == "openai: limit of 30 requests a minute"
    assert waiting.attempt_log.count() == 0
    assert claimed() == []


def test_tasks_of_other_providers_go_on(ask, make_task, limited):
    limited(openai={"rpm": 10}, deepseek={})
    for _ in range(5):
        ask(priority=9)
    for _ in range(3):
        ask(provider="deepseek", model="deepseek-flash")
    make_task(priority=1)

    calls = claimed()

    assert [call.provider.value for call in calls] == ["openai", *["deepseek"] * 3, "mock"]


def test_a_limit_of_our_own_is_waited_for_and_not_failed_over(ask, limited):
    limited(openai={"rpm": 10}, deepseek={})
    ask()
    waiting = ask()

    assert [call.provider for call in claimed()] == [Provider.OPENAI]
    waiting.refresh_from_db()
    assert (waiting.held_by, waiting.status) == ("openai", "PENDING")


def test_auto_goes_to_whom_the_limits_allow_and_then_waits_for_either(ask, limited):
    limited(openai={"rpm": 10}, deepseek={"rpm": 10})
    for _ in range(4):
        ask(provider="auto", model="")

    assert {call.provider.value for call in claimed()} == {"openai", "deepseek"}
    assert set(Task.objects.filter(status="PENDING").values_list("held_by", flat=True)) == {"auto"}
    refill(requests=1)
    assert [call.provider.value for call in claimed()] == ["openai"]


def test_who_stands_in_for_a_broken_provider_is_passed_over_while_limited(ask, limited):
    limited(openai={}, deepseek={"rpm": 10}, anthropic={})
    steering.pause("openai")
    for _ in range(2):
        ask()

    assert [call.provider.value for call in claimed()] == ["deepseek", "anthropic"]


def test_mock_does_not_stand_in_for_a_limit(ask, limited, settings):
    settings.TASKRUNNER_MOCK = "fallback"
    limited(openai={"rpm": 10})
    for _ in range(2):
        ask()

    assert [call.provider.value for call in claimed()] == ["openai"]


def test_room_is_given_to_the_most_urgent_though_it_came_last(ask, limited):
    limited(openai={"rpm": 20})
    for _ in range(6):
        ask(priority=5)
    assert len(claimed()) == 2
    urgent, patient = ask(priority=9), ask(priority=1)
    assert claimed() == []

    refill(requests=1)
    assert [call.task_id for call in claimed()] == [urgent.pk]
    refill(requests=2)
    assert patient.pk not in [call.task_id for call in claimed()]


def test_reprioritised_task_moves_in_the_line_of_its_limit(ask, limited, owner):
    limited(openai={"rpm": 10})
    for _ in range(4):
        ask()
    last = ask()
    claimed()
    services.change(owner, last.pk, {"priority": 9})

    refill(requests=1)

    assert [call.task_id for call in claimed()] == [last.pk]


def test_small_newcomer_does_not_overtake_a_big_one_that_waits(ask, limited):
    limited(openai={"tpm": 100_000})
    ask(max_tokens=9_000)
    assert len(claimed()) == 1
    big, small = ask(max_tokens=5_000), ask(max_tokens=10)
    assert claimed() == []
    assert "behind more urgent tasks" in Task.objects.get(pk=small.pk).waiting_reason

    refill(tokens=6_000)
    assert [call.task_id for call in claimed()] == [big.pk, small.pk]


def test_huge_request_goes_from_a_full_minute_and_leaves_a_debt(ask, limited):
    limited(openai={"tpm": 1_000})
    ask(max_tokens=50_000)

    assert len(claimed()) == 1
    assert tokens_left() < -49_000


def test_unused_tokens_are_given_back(ask, limited):
    limited(openai={"tpm": 1_000_000})
    ask(max_tokens=20_000)
    (call,) = claimed()
    reserved = call.reserved_tokens
    before = tokens_left()

    answer(call, usage=Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=0))

    assert tokens_left() == before + reserved - 18


@pytest.mark.parametrize(
    ("error", "is_given_back"), [(ServerFailed("500"), True), (CallTimedOut("60 s"), False)]
)
def test_failed_call_gives_back_what_it_cannot_have_used(ask, limited, error, is_given_back):
    limited(openai={"tpm": 1_000_000})
    ask()
    (call,) = claimed()
    before = tokens_left()

    answer(call, error=error)

    assert tokens_left() == before + (call.reserved_tokens if is_given_back else 0)


def test_answer_that_is_replayed_corrects_once(ask, limited):
    limited(openai={"tpm": 1_000_000})
    ask()
    (call,) = claimed()
    for _ in range(2):
        answer(call, usage=Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=0))

    assert tokens_left() == 100_000 - 18


def test_released_call_keeps_its_tokens_for_it_may_have_been_sent(ask, limited):
    limited(openai={"tpm": 1_000_000})
    ask()
    (call,) = claimed()

    settle_each([release(call, "stopped")])

    assert tokens_left() == 100_000 - call.reserved_tokens


def test_workers_look_again_when_there_is_room(ask, limited):
    limited(openai={"rpm": 60})
    for _ in range(8):
        ask()
    claimed()

    wake_s = seconds_to_next_wake()

    assert wake_s is not None
    assert 0.5 < wake_s < 1.2  # 54 a minute


def test_tasks_are_free_when_the_limit_is_taken_away(ask, limited):
    limited(openai={"rpm": 10})
    for _ in range(3):
        ask()
    assert len(claimed()) == 1

    limited(openai={})
    free_ungated()

    assert len(claimed()) == 2


def test_paused_provider_takes_its_tasks_out_of_the_line(ask, limited):
    limited(openai={"rpm": 10})
    for _ in range(3):
        ask()
    claimed()
    steering.pause("openai")
    refill(requests=1)

    assert claimed() == []
    assert claimed() == []
    reasons = set(Task.objects.filter(status="PENDING").values_list("waiting_reason", flat=True))
    assert "openai: paused by an operator" in reasons


def test_cancelled_and_retried_task_is_in_no_line(ask, limited, owner):
    limited(openai={"rpm": 10})
    ask()
    task = ask()
    claimed()
    services.cancel(owner, task.pk)
    services.retry(owner, task.pk)

    task.refresh_from_db()
    assert (task.held_by, task.held_needs, task.wake_at) == (None, None, None)


def test_held_task_waits_at_most_ten_minutes_for_its_gate(ask, limited):
    limited(openai={"rpm": 10})
    for _ in range(2):
        ask()
    claimed()

    assert Task.objects.get(status="PENDING").wake_at < timezone.now() + timedelta(seconds=610)


def test_a_claim_of_many_costs_as_many_statements_as_a_claim_of_one(ask, limited):
    limited(openai={"rpm": 100_000, "tpm": 100_000_000})

    def statements(count: int) -> int:
        for _ in range(count):
            ask()
        with CaptureQueriesContext(connection) as captured:
            assert len(claimed(128)) == count
        return len({query["sql"][:40] for query in captured.captured_queries})

    assert statements(1) > 0  # the first of all makes the provider's row
    assert statements(100) == statements(1)
