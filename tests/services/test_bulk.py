"""Acting on everything that a filter selects."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from tasks.errors import InvalidInput
from tasks.models import Attempt, Task
from tasks.services import bulk
from tasks.services.bulk import BulkAction, BulkOutcome, act_on_all

STATES = ("PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED")


@pytest.fixture
def one_of_each(make_task):
    return {status: make_task(set_to={"status": status}) for status in STATES}


def states() -> list[str]:
    return list(Task.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize(("action", "after", "eligible"), [
    (BulkAction.CANCEL, ("CANCELLED", "CANCELLED", "COMPLETED", "FAILED", "CANCELLED"), 2),
    (BulkAction.RETRY, ("PENDING", "PROCESSING", "COMPLETED", "PENDING", "PENDING"), 2),
])  # fmt: skip
def test_an_action_moves_those_that_may_move_and_leaves_the_rest(
    owner, one_of_each, action, after, eligible
):
    counted = act_on_all(owner, action, {}, dry_run=True)
    assert counted == BulkOutcome(matched=5, eligible=eligible, changed=0)
    assert states() == list(STATES)
    assert act_on_all(owner, action, {}) == BulkOutcome(matched=5, eligible=eligible, changed=2)
    assert states() == list(after)


def test_set_priority_changes_waiting_tasks_alone(owner, one_of_each):
    outcome = act_on_all(owner, BulkAction.SET_PRIORITY, {}, priority=9)
    assert outcome == BulkOutcome(matched=5, eligible=1, changed=1)
    changed = Task.objects.filter(priority=9).values_list("status", flat=True)
    assert list(changed) == ["PENDING"]


def test_cancel_ends_running_calls_and_takes_their_leases(owner, make_task):
    now, token, other = timezone.now(), uuid.uuid4(), uuid.uuid4()
    task = make_task(set_to={"status": "PROCESSING", "lease_token": token, "lease_expires_at": now})
    logged = {"provider": "mock", "model": "mock-1", "started_at": now, "task": task}
    running = Attempt.objects.create(number=2, lease_token=token, **logged)
    before = Attempt.objects.create(number=1, lease_token=other, outcome="failed", **logged)
    act_on_all(owner, BulkAction.CANCEL, {})
    for row in (task, running, before):
        row.refresh_from_db()
    assert (task.lease_token, task.lease_expires_at) == (None, None)
    assert task.finished_at is not None
    assert (running.outcome, before.outcome) == ("cancelled", "failed")
    assert running.finished_at == task.finished_at


def test_retry_in_bulk_leaves_a_row_exactly_as_retry_of_one_does(owner, make_task):
    from tasks.services import retry

    broken = {"status": "FAILED", "attempts": 3, "error_code": "timeout", "error_message": "x",
              "finished_at": timezone.now(), "started_at": timezone.now(),
              "expires_at": timezone.now(), "waiting_reason": "x"}  # fmt: skip
    one, many = make_task(set_to=broken), make_task(set_to=broken)
    retry(owner, one.pk)
    act_on_all(owner, BulkAction.RETRY, {"status": "FAILED"})
    left_out = {"id", "created_at", "updated_at"}
    first, second = (
        {name: value for name, value in row.items() if name not in left_out}
        for row in Task.objects.order_by("pk").values()
    )
    assert first == second
    assert many.pk != one.pk


def test_every_task_is_reached_when_there_are_many_chunks(owner, make_task, monkeypatch):
    monkeypatch.setattr(bulk, "_CHUNK", 3)
    for number in range(10):
        make_task(tags=["odd" if number % 2 else "even"])
    outcome = act_on_all(owner, BulkAction.CANCEL, {"tag": "odd"})
    assert outcome == BulkOutcome(matched=5, eligible=5, changed=5)
    assert Task.objects.filter(status="PENDING").count() == 5


def test_a_task_that_moves_between_two_chunks_is_left_alone(owner, make_task, monkeypatch):
    monkeypatch.setattr(bulk, "_CHUNK", 1)
    tasks = [make_task() for _ in range(3)]
    act = bulk._act_on_chunk

    def act_then_complete_the_last(*arguments):
        changed = act(*arguments)
        Task.objects.filter(pk=tasks[2].pk).update(status="COMPLETED")
        return changed

    monkeypatch.setattr(bulk, "_act_on_chunk", act_then_complete_the_last)
    outcome = act_on_all(owner, BulkAction.CANCEL, {})
    assert outcome == BulkOutcome(matched=3, eligible=3, changed=2)
    assert states() == ["CANCELLED", "CANCELLED", "COMPLETED"]


def test_only_the_callers_own_tasks_are_touched(owner, stranger, operator, make_task):
    mine, theirs = make_task(), make_task(stranger)
    assert act_on_all(stranger, BulkAction.CANCEL, {}).changed == 1
    mine.refresh_from_db(), theirs.refresh_from_db()
    assert (mine.status, theirs.status) == ("PENDING", "CANCELLED")
    assert act_on_all(operator, BulkAction.CANCEL, {}).changed == 1


@pytest.mark.parametrize(("action", "priority"), [
    (BulkAction.SET_PRIORITY, None), (BulkAction.SET_PRIORITY, 0), (BulkAction.SET_PRIORITY, 11),
    (BulkAction.SET_PRIORITY, 2**70), (BulkAction.CANCEL, 5), (BulkAction.RETRY, 5),
])  # fmt: skip
def test_a_priority_out_of_place_is_refused(owner, make_task, action, priority):
    make_task()
    with pytest.raises(InvalidInput) as refusal:
        act_on_all(owner, action, {}, priority=priority)
    assert list(refusal.value.fields) == ["priority"]


def test_a_bad_filter_is_refused_before_anything_is_done(owner, make_task):
    make_task()
    with pytest.raises(InvalidInput) as refusal:
        act_on_all(owner, BulkAction.CANCEL, {"status": "PENDING", "colour": "red"})
    assert list(refusal.value.fields) == ["colour"]
    assert states() == ["PENDING"]
