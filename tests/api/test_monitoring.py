"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from tasks.models import Attempt, Worker
from tasks.monitoring import metrics, readiness
from tasks.monitoring.totals import RunningTotals
from tests.api.conftest import client_of


@pytest.fixture(autouse=True)
def fresh_totals(monkeypatch):
    monkeypatch.setattr(metrics, "_attempts", RunningTotals())


@pytest.fixture
def make_worker(db):
    def make(name="w1", *, silent_s=0, slots=64, in_flight=3):
        now = timezone.now()
        return Worker.objects.create(
            name=name, host="h", pid=1, slots=slots, in_flight=in_flight, started_at=now,
            beat_at=now - timedelta(seconds=silent_s),
        )  # fmt: skip

    return make


@pytest.fixture
def make_attempt(make_task):
    def make(provider="openai", outcome="succeeded", cost_usd=None, status="COMPLETED"):
        task = make_task(set_to={"status": status})
        return Attempt.objects.create(
            task=task, number=1, provider=provider, model="m", outcome=outcome,
            lease_token=uuid.uuid4(), started_at=timezone.now(), cost_usd=cost_usd,
        )  # fmt: skip

    return make


def scrape(client=None) -> dict[str, float]:
    response = (client or Client()).get("/metrics")
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(response.content.decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        ",".join([sample.name, *(value for _, value in sorted(sample.labels.items())[::-1])]):
            sample.value
        for sample in samples
    }  # fmt: skip


def test_healthz_asks_no_database():
    # Without the `db` fixture any query would be an error.
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_readyz_is_ready_with_a_living_worker(make_worker):
    make_worker()
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("silent_s", [None, 31])
def test_readyz_tells_that_no_worker_is_heard_of(make_worker, silent_s):
    if silent_s:
        make_worker(silent_s=silent_s)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert list(response.json()["problems"]) == ["workers"]
    assert "qcluster" in response.json()["problems"]["workers"]


@pytest.mark.django_db(transaction=True)
def test_readyz_tells_of_a_pending_migration(make_worker):
    make_worker()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    try:
        response = Client().get("/readyz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('sessions', '0001_initial', CURRENT_TIMESTAMP)"
            )
    assert response.status_code == 503
    assert "migrate" in response.json()["problems"]["migrations"]


def test_readyz_tells_that_the_database_is_away_without_its_address(monkeypatch):
    def away():
        raise OperationalError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr(readiness.connection, "ensure_connection", away, raising=False)
    monkeypatch.setattr(
        "django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", lambda self: away()
    )
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == {"database": "OperationalError"}


def test_readyz_answers_in_time_when_the_database_hangs(monkeypatch):
    monkeypatch.setattr(readiness, "_ask", lambda: time.sleep(4) or {})
    started = time.monotonic()
    response = Client().get("/readyz")
    assert time.monotonic() - started < 3
    assert response.status_code == 503
    assert "no answer" in response.json()["problems"]["database"]


def test_metrics_count_tasks_workers_and_attempts(make_task, make_worker, make_attempt):
    make_task(), make_task()
    make_task(set_to={"status": "PROCESSING"})
    make_attempt("openai", "succeeded"), make_attempt("openai", "failed")
    make_attempt("anthropic", "succeeded")
    make_worker("w1"), make_worker("w2"), make_worker("dead", silent_s=100)
    found = scrape()
    assert found["taskrunner_tasks,PENDING"] == 2
    assert found["taskrunner_tasks,PROCESSING"] == 1
    assert found["taskrunner_tasks,COMPLETED"] == 3
    assert found["taskrunner_tasks,FAILED"] == found["taskrunner_tasks,CANCELLED"] == 0
    assert found["taskrunner_oldest_pending_seconds"] >= 0
    assert found["taskrunner_workers"] == 2
    assert (found["taskrunner_slots"], found["taskrunner_in_flight"]) == (128, 6)
    assert found["taskrunner_attempts_total,openai,succeeded"] == 1
    assert found["taskrunner_attempts_total,openai,failed"] == 1
    assert found["taskrunner_attempts_total,anthropic,succeeded"] == 1


def test_the_oldest_pending_age_is_that_of_the_task_longest_due(make_task):
    make_task(set_to={"created_at": timezone.now() - timedelta(hours=1)})
    make_task(run_after=timezone.now() + timedelta(hours=2))
    assert 3590 < scrape()["taskrunner_oldest_pending_seconds"] < 3700


def test_cost_is_shown_to_staff_alone(make_attempt, operator, owner):
    (
        make_attempt("openai", cost_usd=Decimal("0.5")),
        make_attempt("openai", cost_usd=Decimal("1.25")),
    )
    make_attempt("openai")
    for client in (Client(), client_of(owner)):
        assert not [name for name in scrape(client) if "cost" in name]
    assert scrape(client_of(operator))["taskrunner_cost_usd_total,openai"] == 1.75


def test_a_bad_key_is_no_stranger_at_metrics(db):
    client = APIClient(headers={"Authorization": "Bearer trk_wrong"})
    assert client.get("/metrics").status_code == 401


def test_totals_follow_attempts_that_end_later_and_old_ones_are_not_read_again(
    make_attempt, django_assert_num_queries
):
    totals = RunningTotals()
    make_attempt("openai", "succeeded")
    running = make_attempt("openai", "", status="PROCESSING")
    make_attempt("openai", "failed")
    assert totals.read().counts == {
        ("openai", "succeeded"): 1, ("openai", ""): 1, ("openai", "failed"): 1,
    }  # fmt: skip
    Attempt.objects.filter(pk=running.pk).update(outcome="succeeded", cost_usd=Decimal("0.1"))
    running.task.status = "COMPLETED"
    running.task.save()
    after = totals.read()
    assert after.counts == {("openai", "succeeded"): 2, ("openai", "failed"): 1}
    assert after.costs == {("openai", "succeeded"): Decimal("0.1")}
    Attempt.objects.filter(outcome="failed").update(outcome="unknown")  # settled: not looked at
    assert totals.read() == after
    make_attempt("anthropic", "succeeded")
    assert totals.read().counts["anthropic", "succeeded"] == 1


def test_totals_start_anew_on_an_emptied_database(make_attempt):
    totals = RunningTotals()
    make_attempt()
    totals.read()
    Attempt.objects.all().delete()
    assert totals.read().counts == {}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_take_no_other_method(db, path):
    assert Client().post(path).status_code == 405
