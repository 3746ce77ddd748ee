"""Batches at the REST door: all or nothing, followed, moved and collected as one."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from tasks.models import Batch, IdempotencyRecord, Task
from tasks.vocabulary import Scope
from tests.api.conftest import client_of, error_of

BATCHES = "/api/batches/"
FIELDS = {"id", "name", "status", "total", "counts", "cost_usd", "created_at", "finished_at"}
ZERO = dict.fromkeys(("PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"), 0)


def _post_lines(api: Any, lines: Any, query: str = "", **headers: str) -> Any:
    body = lines if isinstance(lines, bytes) else b"\n".join(json.dumps(o).encode() for o in lines)
    return api.generic(
        "POST", BATCHES + query, body, content_type="application/x-ndjson", **headers
    )


def _submit(api: Any, count: int = 3) -> dict[str, Any]:
    tasks = [{"prompt": f"number {n}", "custom_id": f"c-{n}"} for n in range(count)]
    response = api.post(BATCHES, {"tasks": tasks, "name": "mine"})
    assert response.status_code == 201, response.content
    return response.json()


def _end(batch: int, *ends: dict[str, Any]) -> None:
    for task, end in zip(Task.objects.filter(batch=batch).order_by("pk"), ends, strict=False):
        fields = {"finished_at": timezone.now(), **end}
        Task.objects.filter(pk=task.pk).update(**fields)


def test_a_list_becomes_tasks_in_its_order(api):
    body = _submit(api, 3)
    assert set(body) == FIELDS
    assert body | {"name": "mine", "status": "PENDING", "total": 3} == body
    assert body["counts"] == ZERO | {"PENDING": 3}
    assert body["cost_usd"] is body["finished_at"] is None
    page = api.get(f"/api/tasks/?batch={body['id']}&ordering=id").json()["results"]
    assert [task["custom_id"] for task in page] == ["c-0", "c-1", "c-2"]
    assert {task["batch"] for task in page} == {body["id"]}
    assert api.get(f"{BATCHES}{body['id']}/").json() == body


def test_lines_become_the_same_tasks_as_single_submits(api, owner):
    order = {
        "prompt": "é\u2028 “x”", "provider": "mock", "priority": 9, "system": "s", "max_tokens": 7,
        "temperature": 0.5, "tags": ["a", "é"], "metadata": {"k": [1, None, {"x": "é"}]},
        "run_after": "2999-01-01T00:00:00+02:00", "expires_at": "2999-02-01T00:00:00Z",
        "max_attempts": 2, "failover": False, "custom_id": "c",
    }  # fmt: skip
    for fields in (order, {"prompt": "plain"}):
        alone = api.post("/api/tasks/", fields).json()
        made = _post_lines(api, [fields], "?name=lines")
        assert made.status_code == 201
        assert made.json()["name"] == "lines"
        in_batch = api.get(f"/api/tasks/?batch={made.json()['id']}").json()["results"][0]
        del alone["attempt_log"], alone["partial"]  # only the detail has them
        own = ("id", "batch", "created_at", "updated_at")
        assert {k: v for k, v in in_batch.items() if k not in own} == {
            k: v for k, v in alone.items() if k not in own
        }
        first, second = Task.objects.order_by("-pk").values()[:2]
        own = ("id", "batch_id", "created_at", "updated_at")
        assert [first[k] for k in first if k not in own] == [
            second[k] for k in first if k not in own
        ]


def test_each_bad_item_is_named_by_its_index_and_none_is_kept(api):
    tasks = [{"prompt": "good"}, {"prompt": "x", "priority": 11}, "no object", {"custom_id": "c"}]
    error = error_of(api.post(BATCHES, {"tasks": tasks}), 400)
    assert error["code"] == "VALIDATION_ERROR"
    assert set(error["fields"]) == {
        "tasks.1.priority", "tasks.2.non_field_errors", "tasks.3.prompt",
    }  # fmt: skip
    assert "3 of 4 items" in error["message"]
    assert not Task.objects.exists()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(("line", "field", "rule"), [
    (b'{"prompt": ', "lines.501", "is not JSON"), (b'{"prompt": "\xff"}', "lines.501", "UTF-8"),
    (b"[" * 100_000, "lines.501", "too deep"), (b'{"prompt": 1e999}', "lines.501", "too large"),
    (b'{"prompt": "x", "prompt": "y"}', "lines.501", "twice"),
    (b'["prompt"]', "lines.501.non_field_errors", "Must be a JSON object"),
    (b'{"prompt": "a\\u0000b"}', "lines.501.prompt", "Null"),
    (b'{"prompt": "x", "cost_usd": 1}', "lines.501.cost_usd", "Is not a field"),
    (b'{"prompt": "x", "custom_id": 7}', "lines.501.custom_id", "Must be a text"),
])  # fmt: skip
def test_a_broken_line_in_the_middle_is_named_by_its_number(api, line, field, rule):
    good = b'{"prompt": "good"}\n'
    error = error_of(_post_lines(api, good * 500 + line + b"\n" + good * 499), 400)
    assert list(error["fields"]) == [field]
    assert rule in error["fields"][field][0]
    assert not Task.objects.exists()


@pytest.mark.parametrize("order", [
    {}, {"tasks": []}, {"tasks": {}}, {"tasks": None}, {"tasks": "x"},
    {"tasks": [{"prompt": "x"}] * 1001}, [], "x", 7, None,
    {"tasks": [{"prompt": "x"}], "name": 7}, {"tasks": [{"prompt": "x"}], "name": "x" * 201},
    {"tasks": [{"prompt": "x"}], "status": "COMPLETED"},
])  # fmt: skip
def test_a_batch_of_the_wrong_shape_is_400(api, order):
    body = json.dumps(order)
    error = error_of(api.generic("POST", BATCHES, body, content_type="application/json"), 400)
    assert error["fields"]
    assert not Task.objects.exists()


@pytest.mark.parametrize(("body", "field"), [
    (b"", "tasks"), (b"\n\n", "tasks"), (b'{"prompt": "x"}\n' * 100_001, "lines"),
])  # fmt: skip
def test_no_lines_and_too_many_are_400(api, body, field):
    error = error_of(_post_lines(api, body), 400)
    assert list(error["fields"]) == [field]
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "body", [b'{"tasks": [', b"[" * 100_000, b'{"tasks": [{"prompt": "\xff"}]}']
)
def test_a_list_that_is_no_json_is_400(api, body):
    response = api.generic("POST", BATCHES, body, content_type="application/json")
    assert error_of(response, 400)["code"] == "PARSE_ERROR"


def test_a_list_of_17_mb_is_413(api):
    body = json.dumps({"tasks": [{"prompt": "x" * 17_000}] * 1_000})
    response = api.generic("POST", BATCHES, body, content_type="application/json")
    assert error_of(response, 413)["code"] == "PAYLOAD_TOO_LARGE"


def test_a_query_that_nobody_reads_is_400(api):
    assert "nome" in error_of(_post_lines(api, [{"prompt": "x"}], "?nome=x"), 400)["fields"]
    order = {"tasks": [{"prompt": "x"}]}
    assert "name" in error_of(api.post(BATCHES + "?name=x", order), 400)["fields"]


def test_of_many_bad_lines_the_first_hundred_are_named(api):
    error = error_of(_post_lines(api, [{}] * 250), 400)
    assert len(error["fields"]) == 100
    assert "250 of 250 items" in error["message"]


@pytest.mark.parametrize("as_lines", [True, False])
def test_a_repeated_key_replays_the_first_answer(api, as_lines):
    def post(prompt: str) -> Any:
        tasks = [{"prompt": prompt}, {"prompt": "b"}]
        key = {"HTTP_IDEMPOTENCY_KEY": "batch-1"}
        return _post_lines(api, tasks, **key) if as_lines else api.post(
            BATCHES, {"tasks": tasks}, **key
        )  # fmt: skip

    first = post("a")
    Task.objects.update(status="COMPLETED")
    second = post("a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second["Location"] == first["Location"]
    assert second["Idempotency-Replayed"] == "true"
    assert error_of(post("other"), 422)["code"] == "IDEMPOTENCY_CONFLICT"
    single = api.post("/api/tasks/", {"prompt": "a"}, HTTP_IDEMPOTENCY_KEY="batch-1")
    assert error_of(single, 422)
    assert (Task.objects.count(), IdempotencyRecord.objects.count()) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_simultaneous_batches_of_one_key_are_one_batch(owner):
    credentials = client_of(owner)._credentials | {"HTTP_IDEMPOTENCY_KEY": "race"}
    start = threading.Barrier(5)

    def submit_once(_: int) -> tuple[int, bytes]:
        racer = APIClient()
        racer.credentials(**credentials)
        start.wait(10)
        try:
            response = _post_lines(racer, [{"prompt": "a"}] * 50)
            return response.status_code, response.content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as threads:
        answers = set(threads.map(submit_once, range(5)))
    assert {status for status, _ in answers} == {201}
    assert len(answers) == Batch.objects.count() == 1
    assert Task.objects.count() == 50


def test_counts_cost_and_status_follow_the_tasks(api):
    pk = _submit(api, 4)["id"]
    _end(pk, {"status": "COMPLETED", "cost_usd": "0.0000123"}, {"status": "FAILED"})
    body = api.get(f"{BATCHES}{pk}/").json()
    assert body["status"] == "PROCESSING"
    assert body["counts"] == ZERO | {"PENDING": 2, "COMPLETED": 1, "FAILED": 1}
    assert body["cost_usd"] == "0.0000123"
    assert body["finished_at"] is None
    _end(pk, *[{"status": "COMPLETED"}] * 4)
    body = api.get(f"{BATCHES}{pk}/").json()
    assert body["status"] == "COMPLETED"
    assert body["finished_at"] is not None


def test_cancel_ends_what_has_not_ended(api):
    pk = _submit(api, 3)["id"]
    _end(pk, {"status": "COMPLETED"})
    body = api.post(f"{BATCHES}{pk}/cancel/").json()
    assert body["status"] == "CANCELLED"
    assert body["counts"] == ZERO | {"COMPLETED": 1, "CANCELLED": 2}
    assert api.post(f"{BATCHES}{pk}/cancel/").json() == body


def test_retry_failed_puts_back_the_failed_ones_alone(api):
    pk, other = _submit(api, 3)["id"], _submit(api, 1)["id"]
    _end(pk, {"status": "COMPLETED"}, {"status": "FAILED", "error_code": "timeout"},
         {"status": "CANCELLED"})  # fmt: skip
    _end(other, {"status": "FAILED"})
    body = api.post(f"{BATCHES}{pk}/retry_failed/").json()
    assert body["counts"] == ZERO | {"COMPLETED": 1, "PENDING": 1, "CANCELLED": 1}
    assert api.get(f"{BATCHES}{other}/").json()["counts"] == ZERO | {"FAILED": 1}


def test_results_come_in_the_order_of_the_submit(api):
    pk = _submit(api, 1000)["id"]
    _end(pk, {"status": "COMPLETED", "result": "done\n“é”", "result_source": "mock",
              "served_provider": "mock", "served_model": "mock-1", "cost_usd": "0.10"},
         {"status": "FAILED", "error_code": "timeout", "error_message": "too slow"})  # fmt: skip
    response = api.get(f"{BATCHES}{pk}/results.jsonl")
    assert response["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert [line["custom_id"] for line in lines] == [f"c-{n}" for n in range(1000)]
    first, second, third = lines[:3]
    assert (first["result"], first["cost_usd"]) == ("done\n“é”", "0.1")
    assert first["served_by"] == {"provider": "mock", "model": "mock-1"}
    assert second["error"] == {"code": "timeout", "message": "too slow"}
    assert (third["status"], third["result"], third["error"]) == ("PENDING", None, None)


def test_results_can_be_asked_for_as_lines(api):
    pk = _submit(api)["id"]
    wanted = {"HTTP_ACCEPT": "application/x-ndjson"}
    assert api.get(f"{BATCHES}{pk}/results.jsonl", **wanted).status_code == 200
    refusal = api.get(f"{BATCHES}999/results.jsonl", **wanted)
    assert json.loads(refusal.content)["error"]["code"] == "BATCH_NOT_FOUND"


def test_the_list_shows_the_newest_first_in_pages(api, django_assert_max_num_queries):
    made = [_submit(api, 1)["id"] for _ in range(5)]
    with django_assert_max_num_queries(6):
        page = api.get(f"{BATCHES}?limit=3").json()
    assert [row["id"] for row in page["results"]] == made[:1:-1]
    assert all(set(row) == FIELDS for row in page["results"])
    rest = api.get(page["next"]).json()
    assert [row["id"] for row in rest["results"]] == made[1::-1]
    assert "owner" in error_of(api.get(f"{BATCHES}?owner=1"), 400)["fields"]


@pytest.mark.parametrize("door", ["", "cancel/", "retry_failed/", "results.jsonl"])
def test_a_stranger_finds_no_batch_and_no_count(api, stranger_api, staff_api, door):
    pk = _submit(api)["id"]
    method = "post" if door in ("cancel/", "retry_failed/") else "get"
    error = error_of(getattr(stranger_api, method)(f"{BATCHES}{pk}/{door}"), 404)
    assert error["code"] == "BATCH_NOT_FOUND"
    assert stranger_api.get(BATCHES).json()["results"] == []
    assert stranger_api.get(f"/api/tasks/?batch={pk}").json()["results"] == []
    assert getattr(staff_api, method)(f"{BATCHES}{pk}/{door}").status_code == 200


@pytest.mark.parametrize("batch_id", ["0", "-1", str(2**63), "abc", "%00", "٣", "9" * 5000])
def test_an_id_that_is_none_is_404(api, batch_id):
    assert error_of(api.get(f"{BATCHES}{batch_id}/"), 404)["code"] == "BATCH_NOT_FOUND"


@pytest.mark.parametrize("value", ["0", "-1", "x", str(2**63), "1.5", "", "%00", "1&batch=2"])
def test_a_bad_batch_filter_is_400(api, value):
    assert list(error_of(api.get(f"/api/tasks/?batch={value}"), 400)["fields"]) == ["batch"]


def test_a_reading_key_submits_no_batch(owner):
    error_of(client_of(owner, Scope.READ).post(BATCHES, {"tasks": [{"prompt": "x"}]}), 403)
