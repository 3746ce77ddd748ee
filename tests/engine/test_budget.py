"""The day's budget: reserved before each call, corrected after it, never overrun."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from tasks.conf import get_conf
from tasks.engine.claim import claim
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.gates import free_ungated, seconds_to_room
from tasks.engine.rescue import rescue
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.errors import CallTimedOut, ProviderError, ServerFailed
from tasks.models import Attempt, DailySpend, Task
from tasks.policy.pricing import Cost, Rates
from tasks.providers.base import Completion, Usage
from tasks.vocabulary import FinishReason

pytestmark = pytest.mark.django_db(transaction=True)

ESTIMATE = Decimal("0.0005") + Decimal("0.0000005")  # 1,000 tokens out, the 5 bytes of the prompt
RATES = Rates(input=Decimal("0.1"), cached=Decimal("0.01"), output=Decimal("0.5"))


@pytest.fixture
def budget(settings) -> Callable[..., None]:
    """OpenAI and a local server, and so many USD a day."""

    def configure(usd: str | Decimal | None) -> None:
        settings.TASKRUNNER_PROVIDERS = {
            name: {
                "api_keys": ["key"] if name == "openai" else [],
                "base_url": "http://127.0.0.1:9" if name == "local" else "",
                "default_model": "",
                "models": ["house-model"],
            }
            for name in ("deepseek", "openai", "anthropic", "local")
        }
        settings.TASKRUNNER_DAILY_BUDGET_USD = None if usd is None else Decimal(usd)

    return configure


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    """A call that may cost ESTIMATE."""

    def make(**fields) -> Task:
        defaults = {"provider": "openai", "model": "gpt-6-luna", "max_tokens": 1_000}
        return make_task(**(defaults | fields))

    return make


def claimed(slots: int = 200) -> list[Claimed]:
    return claim(slots, "worker").claimed


def answer(call: Claimed, cost: Decimal | None = None, error: ProviderError | None = None) -> None:
    completion = Completion(
        text="yes", model="gpt-6-luna", finish_reason=FinishReason.STOP, request_id="",
        usage=Usage(prompt_tokens=1, completion_tokens=1, cached_tokens=0),
    )  # fmt: skip
    answered = Answer(
        claimed=call,
        completion=None if error else completion,
        error=error,
        cost=None if cost is None else Cost(usd=cost, rates=RATES),
    )
    settle_each([judge(answered, get_conf(), lambda: 0.5)])


def committed() -> Decimal:
    return DailySpend.objects.get().committed_usd


def test_calls_go_until_the_budget_is_reserved_and_the_rest_say_why(ask, budget):
    budget(3 * ESTIMATE)
    for _ in range(5):
        ask()

    assert len(claimed()) == 3
    assert committed() == 3 * ESTIMATE
    waiting = Task.objects.filter(status="PENDING")[0]
    assert (waiting.attempts, waiting.claims, waiting.held_by) == (0, 0, "budget")
    assert waiting.waiting_reason.startswith("daily budget of 0.0015015")
    assert "until midnight UTC" in waiting.waiting_reason
    midnight = datetime.combine(timezone.now().date() + timedelta(days=1), datetime.min.time(), UTC)
    assert midnight <= waiting.wake_at < midnight + timedelta(seconds=6)


def test_unspent_money_lets_the_next_in(ask, budget):
    budget(2 * ESTIMATE)
    for _ in range(5):
        ask()
    first, second = claimed()
    assert seconds_to_room() is None

    answer(first, cost=Decimal("0.0000001"))
    answer(second, cost=Decimal("0.0000001"))

    assert seconds_to_room() == 0
    assert len(claimed()) == 1  # the two have cost something
    assert committed() == ESTIMATE + Decimal("0.0000002")


def test_a_hundred_at_once_never_overrun_the_budget(ask, budget):
    """V13: four claims at a time, each call a little dearer or cheaper than reckoned."""
    limit = Decimal("0.0100")
    budget(limit)
    for _ in range(100):
        ask()

    def work(worker: int) -> list[Decimal]:
        spent = []
        try:
            while calls := claim(9, f"worker {worker}").claimed:
                for number, call in enumerate(calls):
                    cost = ESTIMATE / 2 if number % 2 else ESTIMATE
                    answer(call, cost=cost)
                    spent.append(cost)
        finally:
            connection.close()
        return spent

    with ThreadPoolExecutor(4) as pool:
        spent = sum(sum(costs) for costs in pool.map(work, range(4)))

    assert limit - ESTIMATE < spent <= limit
    paid = sum(attempt.cost_usd for attempt in Attempt.objects.exclude(cost_usd=None))
    assert (committed(), paid) == (spent, spent)
    waiting = Task.objects.filter(status="PENDING", attempts=0)
    assert waiting.count() == 100 - Attempt.objects.count() > 0


def test_one_call_that_was_reckoned_too_low_is_all_that_it_can_be_over(ask, budget):
    budget(ESTIMATE)
    ask()
    (call,) = claimed()
    answer(call, cost=2 * ESTIMATE)
    ask()

    assert claimed() == []
    assert committed() == 2 * ESTIMATE


def test_urgent_task_gets_the_money_first(ask, budget):
    budget(ESTIMATE)
    ask()
    (call,) = claimed()
    ask(priority=2)
    urgent = ask(priority=8)
    assert claimed() == []

    answer(call, error=ServerFailed("500"))
    Task.objects.filter(pk=call.task_id).delete()

    assert [one.task_id for one in claimed()] == [urgent.pk]


def test_cheap_call_is_not_held_behind_one_that_is_too_dear(ask, budget):
    budget(ESTIMATE)
    dear, cheap = ask(max_tokens=100_000, priority=9), ask()

    assert [call.task_id for call in claimed()] == [cheap.pk]
    dear.refresh_from_db()
    assert dear.held_by == "budget"


def test_what_has_no_price_is_not_counted(ask, budget):
    budget("0.0001")
    for name, model in (("local", "llama"), ("openai", "house-model")):
        ask(provider=name, model=model)
    ask()

    assert {call.provider.value for call in claimed()} == {"local", "openai"}
    assert committed() == 0
    assert Task.objects.get(status="PENDING").model == "gpt-6-luna"


def test_mock_runs_without_money(make_task, budget):
    budget("0.0001")
    make_task()

    assert len(claimed()) == 1


@pytest.mark.parametrize(
    ("error", "is_charged"), [(ServerFailed("500"), False), (CallTimedOut("60 s"), True)]
)
def test_failed_call_is_charged_if_it_may_have_been_billed(ask, budget, error, is_charged):
    budget(5 * ESTIMATE)
    ask()
    (call,) = claimed()

    answer(call, error=error)

    assert committed() == (ESTIMATE if is_charged else 0)


def test_lost_call_keeps_its_money_until_its_late_answer_tells_the_cost(ask, budget):
    budget(5 * ESTIMATE)
    task = ask(max_attempts=1)
    (call,) = claimed()
    Task.objects.filter(pk=task.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    rescue()
    assert committed() == ESTIMATE

    for _ in range(2):  # a journal may be replayed twice
        answer(call, cost=ESTIMATE / 2)

    assert committed() == ESTIMATE / 2


def test_correction_goes_to_the_day_of_the_call(ask, budget):
    budget(5 * ESTIMATE)
    ask()
    (call,) = claimed()
    yesterday = timezone.now().date() - timedelta(days=1)
    DailySpend.objects.update(day=yesterday)
    DailySpend.objects.create(day=yesterday + timedelta(days=1))
    object.__setattr__(call, "reserved_on", yesterday.isoformat())

    answer(call, cost=ESTIMATE / 4)

    assert [row.committed_usd for row in DailySpend.objects.order_by("day")] == [ESTIMATE / 4, 0]


def test_tasks_go_on_with_the_next_day_a_raised_budget_or_none(ask, budget):
    budget(ESTIMATE)
    for _ in range(4):
        ask()
    assert len(claimed()) == 1
    DailySpend.objects.update(day=timezone.now().date() - timedelta(days=1))
    assert len(claimed()) == 1

    budget(2 * ESTIMATE)
    assert len(claimed()) == 1

    budget(None)
    free_ungated()
    assert len(claimed()) == 1
