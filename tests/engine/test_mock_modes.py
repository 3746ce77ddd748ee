"""When the mock answers (`TASKRUNNER_MOCK`), and that its answers never pass for a provider's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.claim import claim
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.models import ProviderState, Task
from tasks.services import steering
from tasks.stats.ranges import StatsRange
from tasks.stats.snapshot import take_snapshot
from tasks.vocabulary import REAL_PROVIDERS
from tests.fakes.provider import Behaviour, FakeProvider, Fault

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture
def use(settings, fake: FakeProvider) -> Callable[..., None]:
    """Configure these providers, and the mock's mode."""

    def using(mode: str, *names: str) -> None:
        settings.TASKRUNNER_MOCK = mode
        settings.TASKRUNNER_RETRY_BASE = 0
        settings.TASKRUNNER_PROVIDERS = {
            name: {"api_keys": ["test-key"] if name in names else [], "default_model": "",
                   "base_url": fake.base_url(name) if name in names else "", "models": []}
            for name in REAL_PROVIDERS
        }  # fmt: skip

    return using


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(**fields) -> Task:
        defaults = {"provider": "openai", "model": "gpt-6-luna", "max_attempts": 5}
        return make_task(**(defaults | fields))

    return make


def work(rounds: int = 1) -> None:
    """What a worker does: claim, call, settle."""
    call, conf = Caller(get_conf()), get_conf()
    for _ in range(rounds):
        settle_each([judge(call(one), conf, lambda: 0.0) for one in claim(20, "worker").claimed])


def result_of(task: Task) -> tuple[str, str, str]:
    task.refresh_from_db()
    return task.status, task.result_source, task.served_provider


MOCKED = ("COMPLETED", "mock", "mock")


@pytest.mark.parametrize(
    ("mode", "configured", "expected"),
    [
        ("auto", [], MOCKED),
        ("auto", ["openai"], ("COMPLETED", "provider", "openai")),
        ("always", ["openai"], MOCKED),
        ("never", ["openai"], ("COMPLETED", "provider", "openai")),
        ("never", [], ("PENDING", "", "")),
        ("fallback", ["openai"], ("COMPLETED", "provider", "openai")),
        ("fallback", [], MOCKED),
    ],
)
def test_each_mode_says_who_answers(use, ask, fake, mode, configured, expected):
    use(mode, *configured)
    task = ask()

    work()

    assert result_of(task) == expected
    assert fake.count() == (1 if expected[1] == "provider" else 0)


@pytest.mark.parametrize(
    "outage",
    [Behaviour(status=401), Behaviour(status=402), Behaviour(status=503), Behaviour(status=529),
     Behaviour(fault=Fault.RESET), Behaviour(body="<html>"), Behaviour(fault=Fault.TRUNCATE)],
)  # fmt: skip
def test_fallback_answers_flagged_when_the_only_provider_is_out(use, ask, fake, outage):
    use("fallback", "openai")
    fake.script(outage, repeat=True)
    task = ask()

    work(rounds=7)

    assert result_of(task) == MOCKED
    assert "This is a mock answer" in task.result
    assert (task.served_model, task.cost_usd) == ("mock-1", Decimal(0))
    assert task.attempts <= task.max_attempts
    assert fake.count() <= task.max_attempts
    assert [a.provider for a in task.attempt_log.order_by("number")][-1] == "mock"


@pytest.mark.parametrize("mode", ["auto", "never"])
def test_other_modes_fail_with_the_providers_error(use, ask, fake, mode):
    use(mode, "openai")
    fake.script(Behaviour(status=503), repeat=True)
    task = ask(max_attempts=2)

    work(rounds=3)

    assert result_of(task)[0] == "FAILED"
    assert (task.error_code, task.result) == ("server_error", None)


def test_fallback_waits_for_a_second_provider_before_it_answers(use, ask, fake):
    use("fallback", "openai", "deepseek")
    fake.script(Behaviour(status=401), provider="openai", repeat=True)
    task = ask()

    work(rounds=3)

    assert result_of(task) == ("COMPLETED", "fallback", "deepseek")


def test_fallback_answers_once_both_providers_are_out(use, ask, fake):
    use("fallback", "openai", "deepseek")
    fake.script(Behaviour(status=503), repeat=True)
    task = ask()

    work(rounds=7)

    assert result_of(task) == MOCKED
    assert fake.count(provider="openai") > 0 < fake.count(provider="deepseek")


def test_fallback_fails_a_task_whose_provider_answers_others(use, ask, fake):
    use("fallback", "openai")
    fake.script(Behaviour(status=503), prompt_contains="poison", repeat=True)
    poisoned = ask(prompt="poison", max_attempts=2)
    for _ in range(10):
        ask(prompt="sound")

    work(rounds=3)

    assert result_of(poisoned)[0] == "FAILED"
    assert Task.objects.filter(status="COMPLETED", result_source="provider").count() == 10


@pytest.mark.parametrize(
    "refusal", [Behaviour(status=400), Behaviour(finish_reason="content_filter")]
)
def test_fallback_does_not_hide_what_is_the_prompts_fault(use, ask, fake, refusal):
    use("fallback", "openai")
    fake.script(refusal)
    task = ask()

    work(rounds=2)

    assert result_of(task)[0] == "FAILED"
    assert fake.count() == 1


def test_fallback_waits_out_a_short_retry_after(use, ask, fake):
    use("fallback", "openai")
    fake.script(Behaviour(status=429, headers={"retry-after": "20"}), repeat=True)
    task = ask()

    work(rounds=3)

    assert result_of(task)[0] == "PENDING"


def test_fallback_answers_when_every_provider_asks_for_hours(use, ask, fake):
    use("fallback", "openai")
    fake.script(Behaviour(status=429, headers={"retry-after": "9999"}), repeat=True)
    task = ask()

    work(rounds=3)

    assert result_of(task) == MOCKED
    assert fake.count() == 1


def test_fallback_leaves_a_task_to_its_own_provider_while_another_is_well(use, ask):
    use("fallback", "openai", "deepseek")
    steering.pause("openai")
    task = ask(failover=False)

    work(rounds=2)

    assert result_of(task)[0] == "PENDING"
    assert "paused by an operator" in task.waiting_reason


def test_provider_that_is_back_answers_itself(use, ask, fake):
    use("fallback", "openai")
    fake.script(Behaviour(status=401))
    work_through = ask()
    work(rounds=2)
    assert result_of(work_through) == MOCKED
    row = ProviderState.objects.get(name="openai")
    row.breaker_json = {**row.breaker_json, "until": 0.0}
    row.save()
    task = ask()

    work()

    assert result_of(task) == ("COMPLETED", "provider", "openai")


def test_mock_answers_count_in_no_success_rate_and_no_cost(use, ask, fake, operator):
    use("fallback", "openai")
    fake.script(Behaviour(status=400))
    ask(prompt="refused")
    work()
    steering.pause("openai")
    for _ in range(9):
        ask()
    work()
    assert Task.objects.filter(result_source="mock").count() == 9

    figures = take_snapshot(operator, StatsRange.DAY)

    assert figures.failed_percent == 100.0
    (openai,) = [one for one in figures.providers if not one.is_mock]
    assert (openai.success_percent, openai.completed, openai.cost_usd) == (0.0, 0, 0)
    assert figures.cost_usd == 0
