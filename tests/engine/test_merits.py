"""`provider: "auto"` by live figures: who was fast lately, who is cheapest, who does not fail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.claim import claim
from tasks.engine.claimed import Claimed
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.models import Attempt, Task
from tasks.services import steering
from tasks.vocabulary import AutoRouting
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two(settings) -> Iterator[dict[str, FakeProvider]]:
    """DeepSeek, first in failover order and slow, and OpenAI, which answers at once."""
    with FakeProvider(latency_s=0.2) as slow, FakeProvider() as fast:
        servers = {"deepseek": slow, "openai": fast}
        settings.TASKRUNNER_PROVIDERS = {
            name: {
                "api_keys": ["key"] if name in servers else [],
                "base_url": servers[name].base_url(name) if name in servers else "",
                "default_model": "",
                "models": [],
            }
            for name in ("deepseek", "openai", "anthropic", "local")
        }
        yield servers


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(**fields) -> Task:
        return make_task(**({"provider": "auto", "model": ""} | fields))

    return make


def claimed() -> list[Claimed]:
    return claim(50, "worker").claimed


def run_all() -> list[str]:
    """The providers that were called, in the order of the queue."""
    calls, caller = claimed(), Caller(get_conf())
    with ThreadPoolExecutor(8) as pool:
        for answer in as_completed([pool.submit(caller, call) for call in calls]):
            settle_each([judge(answer.result(), get_conf(), lambda: 0.5)])
    return [call.provider.value for call in calls]


def record(make_task, provider: str, *, ago_s: float, error_code: str = "") -> None:
    """A call that ended so long ago, after 0.1 s."""
    end = timezone.now() - timedelta(seconds=ago_s)
    Attempt.objects.create(
        task=make_task(status="COMPLETED"), number=1, provider=provider, model="m",
        lease_token=uuid.uuid4(), started_at=end - timedelta(seconds=0.1), finished_at=end,
        outcome="failed" if error_code else "succeeded", error_code=error_code,
    )  # fmt: skip


def test_fastest_measures_each_once_and_then_goes_to_the_fast_one(two, ask, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.FASTEST
    for _ in range(2):
        ask()
    assert run_all() == ["deepseek", "openai"]

    for _ in range(4):
        ask()
    assert run_all() == ["openai"] * 4
    assert (two["deepseek"].count(), two["openai"].count()) == (1, 5)


def test_one_call_of_a_claim_finds_out_how_fast_an_unknown_one_is(two, ask, make_task, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.FASTEST
    record(make_task, "deepseek", ago_s=60)
    for _ in range(4):
        ask()

    assert [call.provider.value for call in claimed()] == ["openai", *["deepseek"] * 3]


def test_old_figures_count_for_nothing(two, ask, make_task, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.FASTEST
    record(make_task, "openai", ago_s=60)
    record(make_task, "deepseek", ago_s=16 * 60)
    ask()

    assert [call.provider.value for call in claimed()] == ["deepseek"]


def test_fastest_goes_to_the_other_while_the_fast_one_is_shut(two, ask, make_task, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.FASTEST
    record(make_task, "openai", ago_s=60)
    steering.pause("openai")
    ask()

    assert [call.provider.value for call in claimed()] == ["deepseek"]


def test_cheapest_goes_by_the_catalogue_for_this_prompt(two, ask, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.CHEAPEST
    ask()

    assert [call.provider.value for call in claimed()] == ["openai"]  # gpt-6-luna, at any hour


def test_cheapest_can_only_go_where_the_model_is(two, ask, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.CHEAPEST
    ask(model="deepseek-v4-pro")

    assert [call.provider.value for call in claimed()] == ["deepseek"]


def test_healthy_keeps_the_order_until_the_first_fails_often(two, ask, make_task):
    ask()
    assert [call.provider.value for call in claimed()] == ["deepseek"]

    for _ in range(4):
        record(make_task, "deepseek", ago_s=5)
    record(make_task, "deepseek", ago_s=5, error_code="server_error")
    ask()
    assert [call.provider.value for call in claimed()] == ["openai"]


def test_named_provider_is_not_second_guessed(two, ask, make_task, settings):
    settings.TASKRUNNER_AUTO = AutoRouting.FASTEST
    record(make_task, "openai", ago_s=60)
    ask(provider="deepseek", model="deepseek-flash")

    assert [call.provider.value for call in claimed()] == ["deepseek"]
