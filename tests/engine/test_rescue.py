from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine.claim import claim
from tasks.engine.rescue import beat, expire, forget_lost_workers, rescue
from tasks.models import Attempt, Task, Worker

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timezone.now() - timedelta(days=1)


def make_worker(**fields) -> Worker:
    now = timezone.now()
    defaults = {"name": "w", "host": "h", "pid": 1, "slots": 4, "started_at": now, "beat_at": now}
    return Worker(**(defaults | fields))


def test_lapsed_task_goes_back_to_the_queue_and_its_attempt_is_unknown(make_task):
    task = make_task()
    claim(1, "worker")
    Task.objects.update(lease_expires_at=LONG_AGO)

    assert rescue() == 1

    task.refresh_from_db()
    assert (task.status, task.attempts, task.lease_token) == ("PENDING", 1, None)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.error_code) == ("unknown", "worker_lost")
    assert [claimed.task_id for claimed in claim(1, "worker").claimed] == [task.pk]
    assert list(Attempt.objects.values_list("number", flat=True)) == [1, 2]


def test_lapsed_task_fails_when_its_attempts_are_used_up(make_task):
    task = make_task(max_attempts=1)
    claim(1, "worker")
    Task.objects.update(lease_expires_at=LONG_AGO)

    rescue()

    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "worker_lost")
    assert task.finished_at is not None


def test_live_lease_is_left_alone(make_task):
    make_task()
    claim(1, "worker")

    assert rescue() == 0
    assert Task.objects.get().status == "PROCESSING"


def test_beat_tells_how_many_workers_live():
    make_worker(name="dead", beat_at=LONG_AGO).save()

    assert beat(make_worker(name="a"), []) == 1
    assert beat(make_worker(name="b"), []) == 2


def test_beat_renews_the_leases_of_this_workers_calls_only(make_task):
    mine, other = make_task(), make_task()
    (my_call,) = claim(1, "me").claimed
    claim(1, "other")
    soon = timezone.now() + timedelta(seconds=1)
    Task.objects.update(lease_expires_at=soon)

    beat(make_worker(), [my_call])

    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.lease_expires_at > soon + timedelta(seconds=10)
    assert other.lease_expires_at == soon
    assert Worker.objects.get().in_flight == 1


def test_task_past_its_expiry_fails_without_a_call(make_task):
    task = make_task(expires_at=LONG_AGO)
    kept = make_task(expires_at=timezone.now() + timedelta(hours=1))

    assert expire() == 1

    task.refresh_from_db()
    kept.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "expired")
    assert kept.status == "PENDING"


def test_only_workers_that_were_silent_for_long_are_forgotten(db):
    make_worker(name="old", beat_at=LONG_AGO).save()
    make_worker(name="new").save()

    forget_lost_workers()

    assert [worker.name for worker in Worker.objects.all()] == ["new"]
