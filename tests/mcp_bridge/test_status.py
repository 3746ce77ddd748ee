from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone


def test_the_status_tells_everything_that_the_contract_names(open_desk, owner, make_task, era):
    task = make_task("FAILED", priority=7, attempts=2)
    state = open_desk(owner, mode=era).ask("get_task_status", task_id=task.pk)["task"]
    assert set(state) == {
        "task_id", "status", "provider", "model", "priority", "attempts", "waiting_reason",
        "result_source", "error", "created_at", "started_at", "finished_at", "queue_position",
        "estimated_seconds_left",
    }  # fmt: skip
    assert (state["task_id"], state["status"], state["priority"]) == (task.pk, "FAILED", 7)
    assert state["error"] == {"code": "timeout", "message": "took too long"}
    assert state["queue_position"] is state["estimated_seconds_left"] is None
    assert state["waiting_reason"] is state["result_source"] is None


def test_a_pending_task_knows_its_place_in_the_line(desk, make_task):
    low, high = make_task(priority=1), make_task(priority=9)
    assert desk.ask("get_task_status", task_id=low.pk)["task"]["queue_position"] == 2
    assert desk.ask("get_task_status", task_id=high.pk)["task"]["queue_position"] == 1


def test_a_task_that_waits_for_its_moment_tells_why_and_stands_in_no_line(desk, make_task):
    later = timezone.now() + timedelta(hours=1)
    task = make_task(wake_at=later, waiting_reason="scheduled")
    state = desk.ask("get_task_status", task_id=task.pk)["task"]
    assert (state["waiting_reason"], state["queue_position"]) == ("scheduled", None)


def test_the_id_may_come_as_its_digits(desk, make_task):
    task = make_task()
    assert desk.ask("get_task_status", task_id=str(task.pk))["task"]["task_id"] == task.pk


TOOLS = ["get_task_status", "get_task_result", "wait_for_task", "cancel_task", "retry_task"]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "task_id", [2**70, 2**63, -1, 0, 999_999, "abc", "", "1 OR 1=1", "\ud800", "\x00"]
)
def test_an_id_of_no_task_is_not_found(desk, tool, task_id):
    assert desk.refusal(tool, task_id=task_id)[0] == "TASK_NOT_FOUND"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("task_id", [True, 1.5, [1], {"id": 1}, None])
def test_an_id_of_another_type_breaks_a_rule(desk, make_task, tool, task_id):
    make_task(id=1)
    code, message = desk.refusal(tool, task_id=task_id)
    assert (code, "task_id" in message) == ("VALIDATION_ERROR", True)


@pytest.mark.parametrize("tool", TOOLS)
def test_somebody_elses_task_looks_like_none(open_desk, stranger, make_task, tool):
    task = make_task("FAILED")
    theirs = open_desk(stranger)
    assert theirs.refusal(tool, task_id=task.pk) == (
        "TASK_NOT_FOUND", f"There is no task {task.pk}."
    )  # fmt: skip
    task.refresh_from_db()
    assert task.status == "FAILED"


def test_staff_see_everybodys_tasks(open_desk, operator, make_task):
    task = make_task()
    assert (
        open_desk(operator).ask("get_task_status", task_id=task.pk)["task"]["status"] == "PENDING"
    )
