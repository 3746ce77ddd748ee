"""POST /api/tasks/."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from tasks.models import IdempotencyRecord, Task
from tests.api.conftest import client_of, error_of

TASKS = "/api/tasks/"
FIELDS = {
    "id", "status", "prompt", "provider", "model", "priority", "result", "result_source",
    "served_by", "finish_reason", "truncated", "error", "attempts", "max_attempts",
    "waiting_reason", "run_after", "usage", "cost_usd", "queue_seconds", "run_seconds", "tags",
    "metadata", "batch", "template", "custom_id", "owner", "created_at", "started_at",
    "finished_at", "updated_at",
}  # fmt: skip


def test_a_submit_answers_201_with_the_task_and_its_place(api, owner):
    response = api.post(TASKS, {"prompt": "hello", "tags": ["a"], "metadata": {"k": [1, None]}})
    assert response.status_code == 201
    body = response.json()
    assert set(body) == FIELDS | {"attempt_log", "partial"}
    assert body | {"status": "PENDING", "prompt": "hello", "priority": 5, "tags": ["a"]} == body
    assert body["metadata"] == {"k": [1, None]}
    assert body["owner"] == owner.username
    assert response["Location"] == f"http://testserver/api/tasks/{body['id']}/"
    assert api.get(response["Location"]).json() == body


def test_what_is_not_known_yet_is_null(api):
    body = api.post(TASKS, {"prompt": "hello"}).json()
    for name in ("result", "result_source", "finish_reason", "error", "waiting_reason", "cost_usd",
                 "queue_seconds", "run_seconds", "batch", "template", "custom_id", "started_at",
                 "finished_at", "run_after"):  # fmt: skip
        assert body[name] is None, name
    assert body["served_by"] == {"provider": None, "model": None}
    assert body["usage"] == dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"))


def test_a_task_due_later_says_so(api):
    body = api.post(TASKS, {"prompt": "later", "run_after": "2999-01-01T00:00:00Z"}).json()
    assert body["waiting_reason"] == "scheduled"
    assert body["run_after"] == "2999-01-01T00:00:00Z"


def test_a_repeated_key_replays_the_first_answer_to_the_letter(api):
    headers = {"HTTP_IDEMPOTENCY_KEY": "key-1"}
    order = {"prompt": "once", "metadata": {"zz": 1, "b": 2.50, "aaa": "é"}}
    first = api.post(TASKS, order, **headers)
    Task.objects.update(status="COMPLETED", result="done")  # the task has moved on since
    second = api.post(TASKS, order, **headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second["Location"] == first["Location"]
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Task.objects.count() == 1


def test_a_repeat_after_its_expiry_is_still_the_first_answer(api):
    body = {"prompt": "soon", "expires_at": (timezone.now() + timedelta(hours=1)).isoformat()}
    first = api.post(TASKS, body, HTTP_IDEMPOTENCY_KEY="key-1")
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        again = api.post(TASKS, body, HTTP_IDEMPOTENCY_KEY="key-1")
        anew = api.post(TASKS, body, HTTP_IDEMPOTENCY_KEY="key-2")
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert list(error_of(anew, 400)["fields"]) == ["expires_at"]


def test_a_repeated_key_with_another_body_is_422(api):
    headers = {"HTTP_IDEMPOTENCY_KEY": "key-1"}
    api.post(TASKS, {"prompt": "once"}, **headers)
    error = error_of(api.post(TASKS, {"prompt": "twice"}, **headers), 422)
    assert error["code"] == "IDEMPOTENCY_CONFLICT"
    assert Task.objects.count() == 1


def test_two_users_may_use_the_same_key(api, stranger_api):
    headers = {"HTTP_IDEMPOTENCY_KEY": "key-1"}
    mine = api.post(TASKS, {"prompt": "mine"}, **headers).json()
    theirs = stranger_api.post(TASKS, {"prompt": "theirs"}, **headers).json()
    assert mine["id"] != theirs["id"]
    assert theirs["owner"] == "stranger"


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
def test_an_unusable_key_is_refused(api, key):
    error = error_of(api.post(TASKS, {"prompt": "x"}, HTTP_IDEMPOTENCY_KEY=key), 400)
    assert list(error["fields"]) == ["idempotency_key"]


def test_a_refused_submit_leaves_its_key_free(api):
    headers = {"HTTP_IDEMPOTENCY_KEY": "key-1"}
    error_of(api.post(TASKS, {"prompt": ""}, **headers), 400)
    assert not IdempotencyRecord.objects.exists()
    assert api.post(TASKS, {"prompt": "mended"}, **headers).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_submits_of_one_key_make_one_task_and_one_body(owner):
    client = client_of(owner)
    authorization = client._credentials["HTTP_AUTHORIZATION"]
    start = threading.Barrier(20)

    def submit_once(_: int) -> tuple[int, bytes, str]:
        from rest_framework.test import APIClient

        racer = APIClient()
        racer.credentials(HTTP_AUTHORIZATION=authorization, HTTP_IDEMPOTENCY_KEY="race")
        start.wait(10)
        try:
            response = racer.post(TASKS, {"prompt": "once", "metadata": {"b": 1, "a": 2}})
            return response.status_code, response.content, response["Location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(submit_once, range(20)))
    assert {status for status, _, _ in answers} == {201}
    assert len(set(answers)) == 1
    assert Task.objects.count() == IdempotencyRecord.objects.count() == 1
    assert json.loads(answers[0][1])["id"] == Task.objects.get().pk
