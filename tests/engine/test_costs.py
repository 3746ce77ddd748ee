"""Money: what each call cost and by which rates, and that all who add it up agree."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.core.cache import cache

from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.claim import claim
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge
from tasks.models import Attempt, Task
from tasks.policy.pricing import PER_TOKENS
from tasks.stats.export import csv_chunks, jsonl_chunks
from tasks.stats.ranges import StatsRange
from tasks.stats.snapshot import get_snapshot
from tests.fakes.behaviour import Behaviour
from tests.fakes.provider import FakeProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake(settings) -> Iterator[FakeProvider]:
    """OpenAI and DeepSeek, configured."""
    with FakeProvider() as server:
        settings.TASKRUNNER_PROVIDERS = {
            name: {
                "api_keys": ["key"] if name in ("openai", "deepseek") else [],
                "base_url": server.base_url(name) if name in ("openai", "deepseek") else "",
                "default_model": "",
                "models": ["house-model"],
            }
            for name in ("deepseek", "openai", "anthropic", "local")
        }
        settings.TASKRUNNER_FAILOVER = []
        settings.TASKRUNNER_RETRY_BASE = 0
        yield server


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(prompt: str, **fields) -> Task:
        defaults = {"provider": "openai", "model": "gpt-6-luna", "max_attempts": 5}
        return make_task(prompt=prompt, **(defaults | fields))

    return make


def run_all() -> None:
    call = Caller(get_conf())
    while claimed := claim(10, "worker").claimed:
        settle_each([judge(call(one), get_conf(), lambda: 0.0) for one in claimed])


def test_cost_can_be_reckoned_again_from_the_attempt(fake, ask):
    fake.script(Behaviour(prompt_tokens=1_234, completion_tokens=567, cached_tokens=89))
    task = ask("priced")
    run_all()

    attempt = Attempt.objects.get(task=task)
    assert (attempt.input_rate, attempt.cached_rate, attempt.output_rate) == (
        Decimal("0.10"), Decimal("0.01"), Decimal("0.50"),
    )  # fmt: skip
    again = (
        attempt.input_rate * (attempt.prompt_tokens - attempt.cached_tokens)
        + attempt.cached_rate * attempt.cached_tokens
        + attempt.output_rate * attempt.completion_tokens
    ) / PER_TOKENS
    task.refresh_from_db()
    assert attempt.cost_usd == task.cost_usd == again == Decimal("0.00039889")


@pytest.mark.parametrize(
    ("model", "behaviour"),
    [("house-model", Behaviour(model="house-model")), ("gpt-6-luna", Behaviour(has_usage=False))],
)
def test_unknown_price_or_usage_stays_unknown(fake, ask, model, behaviour):
    fake.script(behaviour)
    task = ask("unpriced", model=model)
    run_all()

    attempt = Attempt.objects.get(task=task)
    task.refresh_from_db()
    assert (task.status, task.cost_usd, attempt.cost_usd) == ("COMPLETED", None, None)
    assert (attempt.input_rate, attempt.cached_rate, attempt.output_rate) == (None, None, None)


def test_failed_call_that_was_billed_costs(fake, ask):
    fake.script(Behaviour(finish_reason="content_filter", completion_tokens=3))
    task = ask("refused")
    run_all()

    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "content_filtered")
    assert task.cost_usd == Decimal("0.0000026")
    assert Attempt.objects.get(task=task).cost_usd == task.cost_usd


def test_task_costs_what_all_of_its_calls_cost(fake, ask):
    fake.script(Behaviour(text=""), Behaviour(status=500), Behaviour())
    task = ask("thrice")
    run_all()

    task.refresh_from_db()
    costs = [attempt.cost_usd for attempt in task.attempt_log.all()]
    assert costs == [Decimal("0.0000046"), None, Decimal("0.0000046")]
    assert task.cost_usd == Decimal("0.0000092")


def test_stats_export_and_attempts_agree_to_the_last_digit(fake, ask, operator):
    fake.script(Behaviour(text="", prompt_tokens=7), prompt_contains="prompt 3")
    fake.script(Behaviour(finish_reason="content_filter"), prompt_contains="prompt 5")
    fake.script(Behaviour(prompt_tokens=12_345, cached_tokens=1_111), prompt_contains="prompt 7")
    for number in range(10):
        ask(f"prompt {number}", **({"provider": "deepseek", "model": "deepseek-flash"}
                                   if number % 2 else {}))  # fmt: skip
    run_all()
    cache.clear()

    attempts = sum(one.cost_usd or 0 for one in Attempt.objects.all())
    keys = Task.objects.values_list("pk", flat=True)
    rows = csv.DictReader(io.StringIO("".join(csv_chunks(keys))))
    in_csv = sum(Decimal(row["cost_usd"] or 0) for row in rows)
    lines = "".join(jsonl_chunks(keys)).splitlines()
    in_jsonl = sum(Decimal(json.loads(line)["cost_usd"] or 0) for line in lines)
    snapshot = get_snapshot(operator, StatsRange.HOUR)
    assert attempts > 0
    assert {in_csv, in_jsonl, snapshot.cost_usd, snapshot.cost_today_usd} == {attempts}
