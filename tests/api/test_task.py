"""One task: GET, PATCH, DELETE, cancel, retry, clone."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from tasks.models import Attempt, Task
from tests.api.conftest import error_of


def address(task, door=""):
    return f"/api/tasks/{task.pk}/{door}"


def test_the_detail_tells_who_answered_what_it_cost_and_every_attempt(api, make_task):
    now = timezone.now()
    task = make_task(
        provider="openai",
        set_to={
            "status": "COMPLETED", "result": "hi", "result_source": "fallback",
            "served_provider": "anthropic", "served_model": "claude-haiku-5-5",
            "finish_reason": "length", "truncated": True, "prompt_tokens": 7,
            "completion_tokens": 2, "cached_tokens": 0, "cost_usd": Decimal("0.0000120000"),
            "attempts": 2, "claims": 2, "started_at": now, "finished_at": now,
        },
    )  # fmt: skip
    Attempt.objects.create(
        task=task, number=1, provider="openai", model="gpt-6-luna", lease_token=uuid.uuid4(),
        outcome="failed", error_code="server_error", message="500", http_status=500,
        request_id="req_1", started_at=now, finished_at=now,
    )  # fmt: skip
    Attempt.objects.create(
        task=task, number=2, provider="anthropic", model="claude-haiku-5-5", prompt_tokens=7,
        lease_token=uuid.uuid4(), cost_usd=Decimal("0.000012"), started_at=now,
    )  # fmt: skip
    body = api.get(address(task)).json()
    assert body["served_by"] == {"provider": "anthropic", "model": "claude-haiku-5-5"}
    assert (body["provider"], body["result_source"]) == ("openai", "fallback")
    assert body["cost_usd"] == "0.000012"
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "cached_tokens": 0}
    assert body["run_seconds"] == 0.0
    first, second = body["attempt_log"]
    moment = now.isoformat().replace("+00:00", "Z")
    assert first == {
        "number": 1, "provider": "openai", "model": "gpt-6-luna", "outcome": "failed",
        "error_code": "server_error", "message": "500", "http_status": 500, "request_id": "req_1",
        "started_at": moment, "finished_at": moment, "cost_usd": None, "first_token_seconds": None,
        "usage": {"prompt_tokens": None, "completion_tokens": None, "cached_tokens": None},
    }  # fmt: skip
    assert (second["outcome"], second["finished_at"], second["cost_usd"]) == (
        None,
        None,
        "0.000012",
    )


def test_a_cost_of_nothing_is_zero_and_an_unknown_one_is_null(api, make_task):
    free, unpriced = make_task(set_to={"cost_usd": Decimal(0)}), make_task()
    assert api.get(address(free)).json()["cost_usd"] == "0"
    assert api.get(address(unpriced)).json()["cost_usd"] is None


def test_a_waiting_task_takes_another_priority_and_other_tags(api, make_task):
    task = make_task(tags=["a"])
    body = api.patch(address(task), {"priority": 9, "tags": ["b", "b", "c"]}).json()
    assert (body["priority"], body["tags"]) == (9, ["b", "c"])
    task.refresh_from_db()
    assert (task.priority, task.tags) == (9, ["b", "c"])


@pytest.mark.parametrize("changes", [
    {"prompt": "x"}, {"status": "COMPLETED"}, {"owner": 1}, {"priority": 0}, {"priority": "5"},
    {"tags": "a"}, {"tags": ["\x00"]}, {}, [], {"priority": 2**70},
])  # fmt: skip
def test_other_changes_are_refused(api, make_task, changes):
    task = make_task()
    assert error_of(api.patch(address(task), changes), 400)["code"] == "VALIDATION_ERROR"
    task.refresh_from_db()
    assert (task.priority, task.status) == (5, "PENDING")


@pytest.mark.parametrize("status", ["PROCESSING", "COMPLETED", "FAILED", "CANCELLED"])
def test_a_task_that_does_not_wait_cannot_be_changed(api, make_task, status):
    task = make_task(set_to={"status": status})
    assert error_of(api.patch(address(task), {"priority": 9}), 409)["code"] == "INVALID_STATE"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_an_ended_task_can_be_deleted_and_is_gone(api, make_task, status):
    task = make_task(set_to={"status": status})
    response = api.delete(address(task))
    assert (response.status_code, response.content) == (204, b"")
    error_of(api.get(address(task)), 404)


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_a_task_in_work_cannot_be_deleted(api, make_task, status):
    task = make_task(set_to={"status": status})
    assert error_of(api.delete(address(task)), 409)["code"] == "INVALID_STATE"
    assert Task.objects.filter(pk=task.pk).exists()


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_cancel_ends_a_task_that_has_not_ended(api, make_task, status):
    task = make_task(set_to={"status": status})
    body = api.post(address(task, "cancel/")).json()
    assert body["status"] == "CANCELLED"
    assert body["finished_at"] is not None


@pytest.mark.parametrize(("door", "statuses"), [
    ("cancel/", ["COMPLETED", "FAILED", "CANCELLED"]),
    ("retry/", ["PENDING", "PROCESSING", "COMPLETED"]),
])  # fmt: skip
def test_an_illegal_move_is_409_and_changes_nothing(api, make_task, door, statuses):
    for status in statuses:
        task = make_task(set_to={"status": status})
        assert error_of(api.post(address(task, door)), 409)["code"] == "INVALID_STATE"
        task.refresh_from_db()
        assert task.status == status


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_retry_puts_an_ended_task_back_into_the_queue(api, make_task, status):
    task = make_task(set_to={"status": status, "attempts": 3, "error_code": "timeout",
                             "error_message": "slow", "finished_at": timezone.now()})  # fmt: skip
    body = api.post(address(task, "retry/")).json()
    assert (body["status"], body["attempts"], body["error"]) == ("PENDING", 0, None)
    assert body["finished_at"] is None


@pytest.mark.parametrize("door", ["cancel/", "retry/"])
def test_a_move_takes_no_body(api, make_task, door):
    task = make_task(set_to={"status": "FAILED" if door == "retry/" else "PENDING"})
    error_of(api.post(address(task, door), {"status": "COMPLETED"}), 400)
    assert api.post(address(task, door), {}).status_code == 200


def test_clone_submits_the_same_request_anew(api, make_task):
    task = make_task(prompt="again", priority=7, tags=["a"], metadata={"k": 1},
                     set_to={"status": "COMPLETED", "result": "done"})  # fmt: skip
    response = api.post(address(task, "clone/"))
    body = response.json()
    assert response.status_code == 201
    assert response["Location"].endswith(f"/api/tasks/{body['id']}/")
    assert body["id"] != task.pk
    expected = {"status": "PENDING", "prompt": "again", "priority": 7, "tags": ["a"],
                "metadata": {"k": 1}, "result": None}  # fmt: skip
    assert body | expected == body


def test_clone_takes_changes_and_judges_them_like_a_submit(api, make_task):
    task = make_task(prompt="again")
    body = api.post(address(task, "clone/"), {"prompt": "otherwise", "priority": 1}).json()
    assert (body["prompt"], body["priority"]) == ("otherwise", 1)
    error = error_of(api.post(address(task, "clone/"), {"priority": 11, "status": "FAILED"}), 400)
    assert set(error["fields"]) == {"priority", "status"}
    error_of(api.post(address(task, "clone/"), []), 400)
