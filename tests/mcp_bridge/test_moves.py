from __future__ import annotations

import pytest


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_a_task_that_has_not_ended_can_be_cancelled(desk, make_task, status):
    task = make_task(status)
    answer = desk.ask("cancel_task", task_id=task.pk)
    task.refresh_from_db()
    assert task.status == "CANCELLED"
    assert (answer["success"], answer["task_id"], answer["status"]) == (True, task.pk, "CANCELLED")


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_task_that_ended_without_an_answer_can_be_retried(desk, make_task, status):
    task = make_task(status, attempts=5)
    answer = desk.ask("retry_task", task_id=task.pk)
    task.refresh_from_db()
    assert (task.status, task.attempts) == ("PENDING", 0)
    assert (answer["success"], answer["task_id"], answer["status"]) == (True, task.pk, "PENDING")


@pytest.mark.parametrize(
    ("tool", "status"),
    [
        ("cancel_task", "COMPLETED"), ("cancel_task", "FAILED"), ("cancel_task", "CANCELLED"),
        ("retry_task", "PENDING"), ("retry_task", "PROCESSING"), ("retry_task", "COMPLETED"),
    ],
)  # fmt: skip
def test_a_move_that_the_state_forbids_is_refused(desk, make_task, tool, status):
    task = make_task(status)
    code, message = desk.refusal(tool, task_id=task.pk)
    task.refresh_from_db()
    assert (code, task.status) == ("INVALID_STATE", status)
    assert status in message
