from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from mcp_bridge.tools.status import status_of
from tasks.models import Attempt
from tasks.services import get_standing, get_task


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


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"])
def test_the_short_look_tells_what_the_long_one_does_and_asks_no_further_question(
    owner, make_task, django_assert_max_num_queries, status
):
    task = make_task(status, boost=2, waiting_reason="scheduled", attempts=1)
    with django_assert_max_num_queries(4):
        told = status_of(get_standing(owner, task.pk))
    assert told == status_of(get_task(owner, task.pk))


def _running_with(make_task, text):
    task = make_task("PROCESSING", started_at=timezone.now(), lease_token=uuid.uuid4())
    Attempt.objects.create(
        task=task, number=1, provider="openai", model="gpt-6-luna", partial=text,
        lease_token=task.lease_token, started_at=timezone.now(),
    )  # fmt: skip
    return task


@pytest.mark.parametrize("tool", ["get_task_status", "wait_for_task"])
def test_the_text_of_a_running_call_is_told_and_marked_as_others_words(
    open_desk, owner, make_task, era, tool
):
    task, desk = _running_with(make_task, "The sky is bl"), open_desk(owner, mode=era)
    more = {"timeout_seconds": 0} if tool == "wait_for_task" else {}
    answer = desk.call(tool, task_id=task.pk, **more)
    assert answer.structured_content["partial"] == "The sky is bl"
    assert "partial" not in answer.structured_content["task"]
    assert answer.meta["async-ai-task-runner/untrusted"] == ["/partial"]
    assert "/partial" in answer.content[1].text


def test_without_a_running_text_there_is_no_such_field(desk, make_task):
    assert set(desk.ask("get_task_status", task_id=_running_with(make_task, None).pk)) == {"task"}
    assert set(desk.ask("get_task_status", task_id=make_task("COMPLETED").pk)) == {"task"}


def test_a_long_text_of_a_running_call_is_cut_to_what_clients_take(desk, make_task):
    told = desk.ask("get_task_status", task_id=_running_with(make_task, "word " * 40_000).pk)
    assert told["partial"].endswith("…")
    assert len(told["partial"]) < 100_000
