"""One key of several is refused: it is set aside alone, and the task is called with another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.claim import claim
from tasks.engine.claimed import Claimed
from tasks.engine.settle import settle_each
from tasks.engine.verdict import Verdict, judge
from tasks.models import ProviderState, Task
from tasks.policy.breaker import BreakerState
from tasks.providers.keys import fingerprint
from tasks.services import steering
from tasks.vocabulary import REAL_PROVIDERS
from tests.fakes.provider import Behaviour, FakeProvider
from tests.fakes.switchboard import Received

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = ["sk-first-0123456789", "sk-second-0123456789", "sk-third-0123456789"]


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(autouse=True)
def _three_keys(settings, fake: FakeProvider) -> None:
    use(settings, fake, KEYS)


def use(settings, fake: FakeProvider, keys: list[str], *others: str) -> None:
    nothing = {"api_keys": [], "base_url": "", "default_model": "", "models": []}
    settings.TASKRUNNER_PROVIDERS = {
        name: {**nothing, "api_keys": keys if name == "openai" else [f"key-of-{name}"]}
        | {"base_url": fake.base_url(name)}
        if name in ("openai", *others)
        else nothing
        for name in REAL_PROVIDERS
    }


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    def make(**fields) -> Task:
        return make_task(provider="openai", model="gpt-6-luna", **fields)

    return make


def refuse(fake: FakeProvider, *keys: str, status: int = 401) -> None:
    """From now on these keys are refused, and no others."""
    fake.board.rules.clear()
    for key in keys:
        fake.script(Behaviour(status=status), key=key, repeat=True)


def work(slots: int = 20) -> list[Verdict]:
    """What a worker does in one round: claim, call, settle."""
    call, conf = Caller(get_conf()), get_conf()
    verdicts = [judge(call(claimed), conf, lambda: 0.5) for claimed in claim_all(slots)]
    settle_each(verdicts)
    return verdicts


def claim_all(slots: int = 20) -> list[Claimed]:
    return claim(slots, "worker").claimed


def key_of(record: Received) -> str:
    return record.headers["authorization"].removeprefix("Bearer ")


def state() -> ProviderState:
    return ProviderState.objects.get(name="openai")


@pytest.mark.parametrize("status", [401, 402, 403])
def test_task_is_called_again_with_another_key_and_its_attempt_is_not_spent(ask, fake, status):
    refuse(fake, KEYS[0], status=status)
    task = ask(max_attempts=1)

    work()
    work()

    task.refresh_from_db()
    assert (task.status, task.attempts, task.served_provider) == ("COMPLETED", 1, "openai")
    assert [attempt.outcome for attempt in task.attempt_log.all()] == ["deferred", "succeeded"]
    assert [key_of(record) for record in fake.received()] == KEYS[:2]


def test_quota_of_one_key_sets_that_key_aside(ask, fake):
    body = {"error": {"message": "pay", "code": "insufficient_quota"}}
    fake.script(Behaviour(status=429, body=body), key=KEYS[0], repeat=True)
    ask()

    work()

    assert state().refused_keys[fingerprint(KEYS[0])]["reason"] == "quota_exhausted"
    assert state().breaker.state is BreakerState.CLOSED


def test_refused_key_is_used_by_no_worker_any_more(ask, fake):
    refuse(fake, KEYS[0])
    ask()
    work()
    for _ in range(9):
        ask()

    work()
    work()

    used = [key_of(record) for record in fake.received()]
    assert used.count(KEYS[0]) == 1
    assert used.count(KEYS[1]) + used.count(KEYS[2]) == 10
    assert min(used.count(KEYS[1]), used.count(KEYS[2])) >= 4
    assert set(Task.objects.values_list("status", flat=True)) == {"COMPLETED"}


def test_breaker_opens_only_when_the_last_key_is_aside(ask, fake):
    refuse(fake, *KEYS)
    task = ask(max_attempts=5)

    for refused in range(1, 4):
        work()
        assert len(state().refused_keys) == refused
        assert (state().breaker.state is BreakerState.OPEN) is (refused == 3)

    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "authentication_refused")
    assert fake.count() == 3


def test_all_keys_refused_in_one_gathering_open_the_breaker(ask, fake):
    refuse(fake, *KEYS)
    for _ in range(3):
        ask()

    work()

    assert state().breaker.state is BreakerState.OPEN
    assert set(Task.objects.values_list("status", flat=True)) == {"PENDING"}


def test_another_provider_answers_once_all_keys_are_aside(ask, fake, settings):
    use(settings, fake, KEYS[:2], "deepseek")
    refuse(fake, *KEYS)
    task = ask()

    for _ in range(3):
        work()

    task.refresh_from_db()
    assert (task.status, task.result_source) == ("COMPLETED", "fallback")
    assert (fake.count(provider="openai"), fake.count(provider="deepseek")) == (2, 1)


def test_answered_probe_takes_all_keys_back(ask, fake):
    refuse(fake, *KEYS)
    for _ in range(3):
        ask()
    work()
    Task.objects.all().delete()
    refuse(fake)
    row = state()
    row.breaker_json = {**row.breaker_json, "until": 0.0}
    row.save()
    ask()

    (verdict,) = work()

    assert (verdict.is_probe, verdict.status) == (True, "COMPLETED")
    assert (state().breaker.state, state().refused_keys) == (BreakerState.CLOSED, {})


def test_refused_key_gets_another_call_after_some_minutes(ask, fake):
    refuse(fake, KEYS[0])
    ask()
    work()
    work()
    row = state()
    row.refused_keys = {fingerprint(KEYS[0]): {"until": 0.0, "reason": "authentication_refused"}}
    row.save()
    refuse(fake)
    for _ in range(3):
        ask()

    work()

    assert {key_of(record) for record in fake.received()[-3:]} == set(KEYS)


def test_operator_who_resets_the_breaker_takes_all_keys_back(ask, fake):
    refuse(fake, KEYS[0])
    ask()
    work()

    steering.force_breaker("openai", "auto")

    assert state().refused_keys == {}


def test_no_key_is_stored_or_told(ask, fake):
    said = f"Incorrect API key provided: {' '.join(KEYS)}."
    body = {"error": {"message": said, "code": "invalid_api_key"}}
    fake.script(Behaviour(status=401, body=body), repeat=True)
    task = ask()

    verdicts = [verdict for _ in range(3) for verdict in work()]

    stored = [*Task.objects.values(), *task.attempt_log.values(), *ProviderState.objects.values()]
    journaled = [verdict.to_json() for verdict in verdicts]
    assert len(journaled) == 3
    assert not any(key in json.dumps([stored, journaled], default=str) for key in KEYS)
