"""Moves of one task as services judge them, whatever door they came through."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.errors import InvalidInput, InvalidState, TaskNotFound
from tasks.models import Attempt, Task
from tasks.services import cancel, change, clone, delete, get_task, retry, submit
from tasks.services.bulk import BulkAction, act_on_all


@pytest.mark.parametrize(
    "key", [0, -1, True, None, "", "1 ", "+1", "1.0", "٣", 2**63, 2**70, "\x00"]
)
def test_a_key_that_is_none_finds_nothing(owner, make_task, key):
    make_task()
    with pytest.raises(TaskNotFound):
        get_task(owner, key)


def test_digits_find_a_task_as_a_number_does(owner, make_task):
    task = make_task()
    assert get_task(owner, str(task.pk)) == get_task(owner, task.pk) == task


@pytest.mark.parametrize("move", [cancel, retry, delete, clone, get_task])
def test_a_stranger_finds_nothing(stranger, make_task, move):
    with pytest.raises(TaskNotFound):
        move(stranger, make_task(set_to={"status": "FAILED"}).pk)


def test_cancel_takes_the_lease_so_that_a_late_answer_is_refused(owner, make_task):
    now, token = timezone.now(), uuid.uuid4()
    task = make_task(set_to={"status": "PROCESSING", "lease_token": token, "lease_expires_at": now,
                             "started_at": now})  # fmt: skip
    running = Attempt.objects.create(task=task, number=1, provider="mock", model="mock-1",
                                     lease_token=token, started_at=now)  # fmt: skip
    cancel(owner, task.pk)
    task.refresh_from_db(), running.refresh_from_db()
    assert (task.status, task.lease_token, running.outcome) == ("CANCELLED", None, "cancelled")
    # What a worker does when its answer comes: guarded by status and lease.
    late = Task.objects.filter(pk=task.pk, status="PROCESSING", lease_token=token)
    assert late.update(status="COMPLETED", result="late") == 0


def test_retry_keeps_the_attempt_log(owner, make_task):
    task = make_task(set_to={"status": "FAILED", "attempts": 5})
    Attempt.objects.create(task=task, number=1, provider="mock", model="m", outcome="failed",
                           lease_token=uuid.uuid4(), started_at=timezone.now())  # fmt: skip
    assert retry(owner, task.pk).attempts == 0
    assert task.attempt_log.count() == 1


def test_delete_takes_the_attempts_with_it(owner, make_task):
    task = make_task(set_to={"status": "FAILED"})
    Attempt.objects.create(task=task, number=1, provider="mock", model="m",
                           lease_token=uuid.uuid4(), started_at=timezone.now())  # fmt: skip
    delete(owner, task.pk)
    assert not Attempt.objects.exists()


def test_a_changed_task_keeps_what_was_not_named(owner, make_task):
    task = make_task(tags=["a"], priority=3)
    change(owner, task.pk, {"priority": 8})
    task.refresh_from_db()
    assert (task.priority, task.tags) == (8, ["a"])


def test_a_clone_of_staff_is_theirs_and_knows_nothing_of_the_past(operator, make_task):
    task = make_task(prompt="again", set_to={"status": "FAILED", "error_code": "timeout"})
    copy = clone(operator, task.pk)
    assert (copy.owner_id, copy.status, copy.error_code) == (operator.pk, "PENDING", "")


def test_illegal_moves_are_refused_and_nothing_is_written(owner, make_task):
    task = make_task(set_to={"status": "COMPLETED", "result": "kept"})
    before = Task.objects.filter(pk=task.pk).values().get()
    for move in (cancel, retry):
        with pytest.raises(InvalidState):
            move(owner, task.pk)
    with pytest.raises(InvalidState):
        change(owner, task.pk, {"priority": 1})
    assert Task.objects.filter(pk=task.pk).values().get() == before


@pytest.mark.parametrize("data", [None, [], "prompt", 5, {"prompt": "x", 5: 1}])
def test_a_submit_of_what_is_no_object_of_fields_is_refused(owner, data):
    with pytest.raises(InvalidInput):
        submit(owner, data)
    assert not Task.objects.exists()


def test_a_replay_returns_the_first_task_and_its_answer(owner):
    first = submit(owner, {"prompt": "x"}, idempotency_key="k", render=lambda task: f"<{task.pk}>")
    again = submit(owner, {"prompt": "x"}, idempotency_key="k", render=lambda task: "other")
    assert (again.task, again.is_replay) == (first.task, True)
    assert again.record.answer == f"<{first.task.pk}>"


def test_a_render_that_breaks_leaves_neither_task_nor_key(owner):
    def broken(task):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        submit(owner, {"prompt": "x"}, idempotency_key="k", render=broken)
    assert not Task.objects.exists()


@pytest.mark.parametrize("is_bulk", [False, True])
def test_a_retried_task_still_waits_for_its_moment(owner, make_task, is_bulk):
    ahead = timezone.now() + timedelta(days=1)
    task = make_task(run_after=ahead.isoformat())
    cancel(owner, task.pk)
    if is_bulk:
        act_on_all(owner, BulkAction.RETRY, {})
        retried = get_task(owner, task.pk)
    else:
        retried = retry(owner, task.pk)
    assert (retried.wake_at, retried.waiting_reason) == (ahead, "scheduled")
