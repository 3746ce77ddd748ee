"""What operators are told: once when it begins, once when it is over."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tasks.alerts.watch import watch
from tasks.engine.housekeeping import keep_house
from tasks.models import Alert, ProviderState, Worker
from tasks.policy.breaker import Breaker, BreakerState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(settings, receiver):
    settings.TASKRUNNER_ALERT_FOR = 0
    settings.TASKRUNNER_ALERT_WEBHOOK = receiver.url
    settings.TASKRUNNER_ALERT_EMAIL = ["ops@example.org"]
    cache.clear()  # of the stats page


def _told(receiver):
    return [(body["type"], body["alert"]) for body in receiver.got]


def test_no_worker_is_told_at_firing_and_at_resolution_by_both_ways(
    receiver, mailoutbox, make_worker
):
    for _ in range(3):
        watch()
    worker = make_worker("one")
    for _ in range(3):
        watch()
    expected = [("alert.fired", "no_worker"), ("alert.resolved", "no_worker")]
    assert _told(receiver) == expected
    assert [mail.subject for mail in mailoutbox] == [
        "[taskrunner] FIRED: no_worker", "[taskrunner] RESOLVED: no_worker"
    ]  # fmt: skip
    assert mailoutbox[0].to == ["ops@example.org"]
    assert "start ./run or qcluster" in mailoutbox[0].body
    worker.delete()


def test_who_keeps_house_for_the_web_tells_that_no_worker_lives(receiver):
    keep_house(patience_s=0)
    assert ("alert.fired", "no_worker") in _told(receiver)


def test_an_old_queue_fires_until_it_is_empty(receiver, make_task, make_worker):
    make_worker("one")
    task = make_task("PENDING", created_at=timezone.now() - timedelta(seconds=400))
    watch()
    task.delete()
    watch()
    assert _told(receiver) == [("alert.fired", "queue_age"), ("alert.resolved", "queue_age")]
    messages = [body["message"] for body in receiver.got]
    assert messages == [f"Oldest due task: {age} (limit 5 min)" for age in ("6 min", "none")]


def test_many_failures_fire_and_mock_answers_dilute_nothing(receiver, make_task, make_worker):
    make_worker("one")
    for _ in range(4):
        make_task("FAILED")
    for _ in range(30):
        make_task(served_provider="mock", result_source="mock")
    watch()
    assert _told(receiver) == []  # four are too few to tell
    for _ in range(7):
        make_task()
    watch()
    assert _told(receiver) == [("alert.fired", "failure_rate")]


def test_an_open_breaker_fires_with_its_reason(receiver, make_worker):
    make_worker("one")
    breaker = Breaker(state=BreakerState.OPEN, reason="5 of 5 failed", until=time.time() + 9)
    state = ProviderState.objects.create(name="openai", breaker_json=breaker.to_json())
    watch()
    assert "5 of 5 failed" in receiver.got[0]["message"]
    state.breaker = Breaker()
    state.save()
    watch()
    key = "breaker_open:openai"
    assert _told(receiver) == [("alert.fired", key), ("alert.resolved", key)]


def test_a_refused_key_is_told_with_what_to_do_about_it(receiver, make_worker, operator):
    make_worker("one")
    breaker = Breaker(
        state=BreakerState.OPEN, reason="authentication_refused", until=time.time() + 9
    )
    ProviderState.objects.create(name="openai", breaker_json=breaker.to_json())
    watch()
    remedy = "It refuses the key: mend OPENAI_API_KEY, then restart."
    assert receiver.got[0]["message"] == f"Breaker of openai: authentication_refused. {remedy}"
    client = Client()
    client.force_login(operator)
    assert client.get("/stats/").text.count(remedy) == 2  # of the alert, and of the lane
    assert client.get("/admin/tasks/providerstate/").text.count(remedy) == 1


def test_a_provider_that_an_operator_paused_is_no_alert(receiver, make_worker):
    make_worker("one")
    ProviderState.objects.create(name="openai", is_paused=True)
    watch()
    assert receiver.got == []


def test_a_receiver_that_is_down_is_told_later_and_the_others_at_once(receiver, mailoutbox):
    receiver.status = 503
    watch()
    watch()
    assert (len(mailoutbox), receiver.got) == (1, [])
    receiver.status = 200
    watch()
    watch()
    assert _told(receiver) == [("alert.fired", "no_worker")]
    assert len(mailoutbox) == 1


def test_what_began_and_ended_while_the_receiver_was_down_is_not_told(receiver, make_worker):
    receiver.status = 500
    watch()
    make_worker("one")
    receiver.status = 200
    watch()
    assert receiver.got == []
    assert not Alert.objects.exclude(untold=[]).exists()


def test_a_redirect_is_not_followed(receiver):
    receiver.status = 302
    watch()
    assert Alert.objects.get(key="no_worker").untold == ["webhook"]


def test_a_rule_that_is_turned_off_leaves_no_alert_behind(
    receiver, make_task, make_worker, settings
):
    make_worker("one")
    make_task("PENDING", created_at=timezone.now() - timedelta(seconds=400))
    watch()
    settings.TASKRUNNER_ALERT_QUEUE_AGE = 0
    watch()
    assert not Alert.objects.filter(is_firing=True).exists()


def test_a_firing_alert_is_on_the_stats_page_of_staff_alone(operator, owner):
    watch()
    for user, is_shown in [(operator, True), (owner, False)]:
        client = Client()
        client.force_login(user)
        assert ("None was heard of lately" in client.get("/stats/").text) is is_shown


def test_the_page_tells_when_what_is_wrong_looks_well_again(operator, make_worker, settings):
    watch()
    settings.TASKRUNNER_ALERT_FOR = 60
    make_worker("one")
    watch()
    client = Client()
    client.force_login(operator)
    text = client.get("/stats/").text
    assert "Workers: 1 alive" in text
    assert "over once that has lasted" in text


def test_most_of_the_budget_spent_fires(receiver, make_task, make_worker, settings):
    make_worker("one")
    settings.TASKRUNNER_DAILY_BUDGET_USD = Decimal(10)
    make_task(ago=0, cost_usd=Decimal("8.5"))
    watch()
    assert "$8.50 of $10.00" in receiver.got[0]["message"]


def test_without_a_channel_it_is_still_noted(settings, receiver):
    settings.TASKRUNNER_ALERT_WEBHOOK, settings.TASKRUNNER_ALERT_EMAIL = "", []
    watch()
    assert Alert.objects.get(is_firing=True).key == "no_worker"
    assert not Worker.objects.exists()
