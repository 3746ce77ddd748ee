from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks.engine.claim import claim
from tasks.engine.settle import settle_each
from tasks.engine.verdict import release
from tasks.errors import (
    AuthenticationRefused,
    RateLimitedByProvider,
    ServerFailed,
)
from tasks.models import ProviderState, Task
from tasks.policy.breaker import BreakerState
from tasks.services import steering
from tasks.vocabulary import Provider
from tests.connections import on_another_connection
from tests.deployment import wait_until
from tests.engine.calling import answer, claim_all, configure, make_the_probe_due, state

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("openai_alone")]


def open_breaker_due_for_its_probe(ask) -> None:
    ask()
    answer(claim_all()[0], AuthenticationRefused("401"))
    make_the_probe_due()
    Task.objects.all().delete()


def test_nothing_is_written_about_a_provider_that_answers(ask):
    ask()

    answer(claim_all()[0])

    assert not ProviderState.objects.exists()


def test_five_failures_open_the_breaker_and_park_the_rest(ask):
    for _ in range(5):
        ask()
    for claimed in claim_all():
        answer(claimed, ServerFailed("500"))
    waiting = ask()

    assert state().breaker.state is BreakerState.OPEN
    assert claim_all() == []
    waiting.refresh_from_db()
    assert waiting.wake_at > timezone.now() + timedelta(seconds=20)
    assert "breaker open: 5 of 5 calls failed" in waiting.waiting_reason
    assert (waiting.attempts, waiting.claims) == (0, 0)


def test_answers_weigh_against_failures(ask):
    for _ in range(12):
        ask()
    calls = claim_all()
    for claimed in calls[:7]:
        answer(claimed)
    for claimed in calls[7:]:
        answer(claimed, ServerFailed("500"))

    assert state().breaker.state is BreakerState.CLOSED


def test_refused_key_opens_the_breaker_at_once(ask):
    ask()

    answer(claim_all()[0], AuthenticationRefused("401"))

    assert state().breaker.state is BreakerState.OPEN
    assert state().breaker.reason == "authentication_refused"


def test_open_breaker_lets_one_probe_through_for_all_workers(ask):
    open_breaker_due_for_its_probe(ask)
    for _ in range(4):
        ask()

    (probe,) = claim_all()

    assert probe.is_probe
    assert claim_all() == []
    assert state().breaker.state is BreakerState.HALF_OPEN


def test_answered_probe_closes_the_breaker(ask):
    open_breaker_due_for_its_probe(ask)
    ask()

    answer(claim_all()[0])

    assert state().breaker.state is BreakerState.CLOSED
    ask()
    assert [claimed.is_probe for claimed in claim_all()] == [False]


def test_tasks_parked_behind_a_probe_wake_when_it_is_answered(ask):
    open_breaker_due_for_its_probe(ask)
    for _ in range(3):
        ask()
    (probe,) = claim_all()
    assert Task.objects.filter(wake_at__gt=timezone.now() + timedelta(seconds=60)).count() == 2

    answer(probe)

    assert not Task.objects.filter(wake_at__gt=timezone.now() + timedelta(seconds=4)).exists()


def test_released_probe_gives_its_place_to_the_next(ask):
    open_breaker_due_for_its_probe(ask)
    ask()
    settle_each([release(claim_all()[0], "stopped")])

    (again,) = claim_all()

    assert again.is_probe


def test_retry_after_holds_the_whole_lane_and_spends_no_attempt(ask):
    first = ask()
    answer(claim_all()[0], RateLimitedByProvider("slow down", retry_after_s=40))
    second = ask()

    assert claim_all() == []
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.attempts, first.status) == (0, "PENDING")
    for task in (first, second):
        assert task.wake_at > timezone.now() + timedelta(seconds=35)
        assert "rate_limited from openai" in task.waiting_reason
    assert first.attempt_log.get().outcome == "deferred"


def test_another_provider_answers_while_the_lane_is_shut(ask, settings):
    configure(settings, "openai", "deepseek")
    ask()
    answer(claim_all()[0], AuthenticationRefused("401"))

    (claimed,) = claim_all()

    assert (claimed.provider, claimed.is_fallback) == (Provider.DEEPSEEK, True)
    answer(claimed)
    task = Task.objects.get()
    assert (task.status, task.result_source, task.served_provider) == (
        "COMPLETED", "fallback", "deepseek",
    )  # fmt: skip


def test_task_without_failover_waits_for_its_own_provider(ask, settings):
    configure(settings, "openai", "deepseek")
    steering.pause("openai")
    task = ask(failover=False)

    assert claim_all() == []
    task.refresh_from_db()
    assert "paused by an operator" in task.waiting_reason


def test_resumed_provider_is_called_within_seconds(ask):
    steering.pause("openai")
    parked = ask()
    scheduled = ask(
        run_after=timezone.now() + timedelta(hours=1), wake_at=timezone.now() + timedelta(hours=1)
    )
    assert claim_all() == []

    steering.resume("openai")

    parked.refresh_from_db()
    assert parked.waiting_reason.startswith("openai: open again")
    claimed = wait_until(claim_all, 5, "the parked task, within the spread")
    assert len(claimed) == 1
    scheduled.refresh_from_db()
    assert scheduled.wake_at is not None


def test_a_task_that_waits_out_its_own_failure_is_not_woken_with_the_lane(ask):
    parked, failed = ask(), ask(priority=9, attempts=3)  # so its next pause is one of seconds
    (claimed,) = claim(1, "drain").claimed
    answer(claimed, ServerFailed("503", http_status=503))
    steering.pause("openai")
    assert claim_all() == []
    own_time = Task.objects.get(pk=failed.pk).wake_at

    steering.resume("openai")

    assert Task.objects.get(pk=failed.pk).wake_at == own_time
    assert Task.objects.get(pk=parked.pk).waiting_reason.startswith("openai: open again")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_refusal_that_is_settled_in_mid_claim_is_heeded_by_it(ask, monkeypatch):
    refused = ask()
    (held,) = claim_all()

    def settle_meanwhile() -> None:
        error = RateLimitedByProvider("429", http_status=429, retry_after_s=9.0)
        on_another_connection(lambda: answer(held, error))

    monkeypatch.setattr("tasks.engine.claim.wake_due", settle_meanwhile)
    ask()  # so that there is a reason to claim

    assert claim_all() == []
    refused.refresh_from_db()
    assert (refused.attempts, refused.status) == (0, "PENDING")
    assert "rate_limited" in refused.waiting_reason


def test_operator_forces_the_breaker_either_way(ask):
    steering.force_breaker("openai", "open")
    ask()
    assert claim_all() == []

    steering.force_breaker("openai", "closed")

    assert len(wait_until(claim_all, 5, "the parked task")) == 1


def test_parked_tasks_do_not_hide_the_due_ones_behind_them(ask, make_task):
    steering.pause("openai")
    for _ in range(3):
        ask(priority=9)
    make_task(priority=1)

    first = claim(3, "worker")

    assert (first.claimed, first.is_dry) == ([], False)
    second = claim(3, "worker")
    assert [claimed.provider for claimed in second.claimed] == [Provider.MOCK]
