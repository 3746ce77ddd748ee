from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine.claim import claim, seconds_to_next_wake
from tasks.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)


def claimed_ids(slots: int = 10) -> list[int]:
    return [claimed.task_id for claimed in claim(slots, "worker").claimed]


def test_most_urgent_first_then_oldest(make_task):
    low_old, high, low_new, middle = (make_task(priority=p) for p in (1, 9, 1, 5))

    assert claimed_ids() == [high.pk, middle.pk, low_old.pk, low_new.pk]


def test_takes_no_more_than_there_are_slots(make_task):
    first, _, _ = (make_task() for _ in range(3))

    assert claimed_ids(slots=1) == [first.pk]


def test_claimed_task_is_leased_and_its_attempt_written_down(make_task):
    task = make_task()
    before = timezone.now()

    (claimed,) = claim(1, "worker-7").claimed

    task.refresh_from_db()
    assert (task.status, task.attempts, task.claims) == ("PROCESSING", 1, 1)
    assert task.lease_token == claimed.lease_token
    assert task.lease_expires_at > before + timedelta(seconds=20)
    assert task.started_at is not None
    attempt = Attempt.objects.get(task=task)
    assert (attempt.number, attempt.outcome) == (claimed.attempt_number, "") == (1, "")
    assert (attempt.worker, attempt.lease_token) == ("worker-7", claimed.lease_token)


def test_claimed_task_is_not_claimed_again(make_task):
    make_task()

    assert len(claimed_ids()) == 1
    assert claimed_ids() == []


@pytest.mark.parametrize("status", ["PROCESSING", "COMPLETED", "FAILED", "CANCELLED"])
def test_only_pending_tasks_are_claimed(make_task, status):
    make_task(status=status)

    assert claimed_ids() == []


def test_waiting_task_is_left_until_its_moment(make_task):
    now = timezone.now()
    make_task(wake_at=now + timedelta(hours=1), waiting_reason="scheduled")
    due = make_task(wake_at=now - timedelta(seconds=1), waiting_reason="backing off")

    assert claimed_ids() == [due.pk]
    due.refresh_from_db()
    assert (due.wake_at, due.waiting_reason) == (None, "")
    assert 3590 < seconds_to_next_wake() <= 3600


def test_woken_task_keeps_its_place_by_priority(make_task):
    low = make_task(priority=1)
    high = make_task(priority=10, wake_at=timezone.now() - timedelta(seconds=1))

    assert claimed_ids() == [high.pk, low.pk]


def test_nothing_waits_means_no_next_wake(make_task):
    make_task()

    assert seconds_to_next_wake() is None
