"""Bad input at the REST door: rows I1 to I3. Everything is 400 or 413 with the field, never 500."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.models import Task
from tests.api.conftest import error_of

TASKS = "/api/tasks/"
_BAD_FIELDS: list[tuple[str, Any]] = [
    *[("prompt", bad) for bad in ("", "   ", "x" * 1001, "a\x00b", "\ud800", None, 7, [], {}, True,
                                  "\u3000\n")],
    *[("priority", bad) for bad in (0, 11, -1, "5", True, 5.0, None, 2**63, 2**70, -(2**70))],
    *[("provider", bad) for bad in ("nobody", "", None, 5, ["auto"], {}, "AUTO", "auto\x00")],
    *[("model", bad) for bad in ("no-such-model", "", "x" * 101, None, 5, "gpt-4\x00", "\udfff")],
    *[("system", bad) for bad in ("x" * 1001, "a\x00b", "\ud800", 5, [])],
    *[("max_tokens", bad) for bad in (0, -1, "5", True, 2**63, 2**70, 1.5)],
    *[("temperature", bad) for bad in (-0.1, 2.1, "1", True, 10**400, [])],
    *[("tags", bad) for bad in ("a", {}, ["x" * 51], [1], [""], ["\x00"], ["\ud800"], [[]],
                                ["t"] * 21)],
    *[("metadata", bad) for bad in ([], "a", 5, {"a": "\x00"}, {"\x00": 1}, {"a": ["\ud800"]},
                                    {"a": "x" * 17_000})],
    *[("run_after", bad) for bad in ("tomorrow", 5, "", [], "2999-13-01T00:00:00Z", 2**70,
                                     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")],
    *[("expires_at", bad) for bad in ("2001-01-01T00:00:00Z", "x", 5)],
    *[("max_attempts", bad) for bad in (0, 101, "5", True, 2**70)],
    *[("failover", bad) for bad in ("yes", 1, 0, None, "true")],
    *[("custom_id", bad) for bad in ("x" * 201, "\x00", 5, "\ud800")],
    # What only the engine may say, and what nobody knows.
    *[(name, 1) for name in ("status", "result", "owner", "cost_usd", "attempts", "id", "wake_at",
                             "lease_token", "claims", "served_by", "nonsense", "prompt ")],
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), _BAD_FIELDS)
def test_a_bad_field_is_refused_by_name_and_nothing_is_submitted(api, field, value):
    order = {"prompt": "hello", field: value}
    # As a text with escapes, so that lone surrogates and NUL travel as JSON can carry them.
    response = api.generic("POST", TASKS, json.dumps(order), content_type="application/json")
    error = error_of(response, 400)
    assert error["code"] == "VALIDATION_ERROR"
    assert [name.split(".")[0] for name in error["fields"]] == [field]
    assert all(rule for rules in error["fields"].values() for rule in rules)
    assert not Task.objects.exists()


@pytest.mark.parametrize(("field", "value"), [
    ("expires_at", "2999-01-01T00:00:00Z"), ("run_after", "2001-01-01T00:00:00Z"),
    ("priority", 10), ("priority", 1), ("temperature", 0), ("metadata", {"big": 2**70}),
    ("prompt", "<script>alert(1)</script>{0.__class__}{% debug %}=cmd()"), ("prompt", "x" * 1000),
    ("prompt", "  spaces kept\n"), ("prompt", "é😀\u202e"), ("system", ""), ("tags", []),
    ("custom_id", "javascript:alert(1)"), ("failover", False),
])  # fmt: skip
def test_a_good_field_is_kept_to_the_letter(api, field, value):
    response = api.post(TASKS, {"prompt": "hello", field: value})
    assert response.status_code == 201, response.content
    if field in response.json():
        assert response.json()[field] == value


def test_a_deadline_before_the_start_is_refused(api):
    order = {
        "prompt": "x",
        "run_after": "2999-01-02T00:00:00Z",
        "expires_at": "2999-01-01T00:00:00Z",
    }
    error = error_of(api.post(TASKS, order), 400)
    assert error["fields"] == {"expires_at": ["Must be after run_after."]}


def test_all_bad_fields_are_named_at_once(api):
    error = error_of(api.post(TASKS, {"prompt": "", "priority": 0, "status": "COMPLETED"}), 400)
    assert set(error["fields"]) == {"prompt", "priority", "status"}


def test_a_provider_that_is_not_configured_is_refused_with_its_variable(api, settings):
    settings.TASKRUNNER_MOCK = "never"
    error = error_of(api.post(TASKS, {"prompt": "x", "provider": "openai"}), 400)
    assert "OPENAI_API_KEY" in error["fields"]["provider"][0]


_BODIES = {
    "broken": b'{"prompt": "x"',
    "not_json": b"prompt=hello",
    "not_utf8": b'{"prompt": "\xff\xfe"}',
    "nan": b'{"prompt": "x", "temperature": NaN}',
    "infinity": b'{"prompt": "x", "metadata": {"a": -Infinity}}',
    "too_large_a_number": b'{"prompt": "x", "temperature": 1e999}',
    "endless_integer": b'{"prompt": "x", "priority": ' + b"9" * 5000 + b"}",
    "repeated_key": b'{"prompt": "x", "prompt": "y"}',
    "repeated_key_inside": b'{"prompt": "x", "metadata": {"a": 1, "a": 2}}',
    "deep_lists": b"[" * 100_000,
    "deep_objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep_metadata": b'{"prompt": "x", "metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "trailing": b'{"prompt": "x"} {}',
}


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
@pytest.mark.parametrize(("method", "path"), [
    ("POST", TASKS), ("PATCH", "/api/tasks/{id}/"), ("POST", "/api/tasks/{id}/clone/"),
    ("POST", "/api/tasks/{id}/cancel/"), ("POST", "/api/tasks/actions/"),
])  # fmt: skip
def test_a_body_that_is_no_json_is_400_at_every_door(api, make_task, method, path, body):
    task = make_task()
    response = api.generic(method, path.format(id=task.pk), body, content_type="application/json")
    assert error_of(response, 400)["code"] == "PARSE_ERROR"
    assert Task.objects.get().status == "PENDING"


@pytest.mark.parametrize("body", [b"[]", b"[1]", b'"prompt"', b"7", b"null", b"true", b""])
@pytest.mark.parametrize("path", [TASKS, "/api/tasks/actions/"])
def test_what_is_no_object_is_400(api, path, body):
    response = api.generic("POST", path, body, content_type="application/json")
    assert error_of(response, 400)["code"] == "VALIDATION_ERROR"


def test_a_body_of_10_mb_is_413(api):
    body = json.dumps({"prompt": "x" * 10_000_000})
    response = api.generic("POST", TASKS, body, content_type="application/json")
    assert error_of(response, 413)["code"] == "PAYLOAD_TOO_LARGE"


def test_a_body_that_hides_its_size_is_413_too(api):
    body = json.dumps({"prompt": "x" * 3_000_000})
    response = api.generic(
        "POST", TASKS, body, content_type="application/json", CONTENT_LENGTH="10"
    )
    assert response.status_code in (400, 413)
    assert not Task.objects.exists()


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
])  # fmt: skip
def test_a_body_that_is_not_announced_as_json_is_415(api, content_type):
    response = api.generic("POST", TASKS, b'{"prompt": "x"}', content_type=content_type)
    assert error_of(response, 415)["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("task_id", [
    "0", "-1", "999999", str(2**63), str(2**70), "1e3", "abc", "%00", "1%00", "%F0%9F%98%80",
    "٣", "1;drop", "%ff", "true", "9" * 5000,
])  # fmt: skip
@pytest.mark.parametrize("door", ["", "cancel/", "wait/"])
def test_an_id_that_is_none_is_404(api, task_id, door):
    method = api.post if door == "cancel/" else api.get
    response = method(f"/api/tasks/{task_id}/{door}")
    assert error_of(response, 404)["code"] == "TASK_NOT_FOUND"


@pytest.mark.parametrize(("query", "field"), [
    ("status=DONE", "status"), ("status=", "status"), ("status=PENDING%00", "status"),
    ("provider=nobody", "provider"), ("priority=0", "priority"), ("priority=11", "priority"),
    ("priority=x", "priority"), (f"priority={2**70}", "priority"), ("priority=NaN", "priority"),
    ("priority__gte=-1", "priority__gte"), ("priority__lte=1.5", "priority__lte"),
    ("created_after=yesterday", "created_after"), (f"created_after={2**70}", "created_after"),
    ("created_before=2999-99-01", "created_before"),
    ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
    ("truncated=maybe", "truncated"),
    ("truncated=1", "truncated"), ("result_source=me", "result_source"), ("tag=%00", "tag"),
    ("tag=", "tag"), ("tag=" + "x" * 51, "tag"), ("search=%00", "search"),
    ("search=" + "x" * 201, "search"), ("search=%20", "search"), ("error_code=%00", "error_code"),
    ("model=a&model=b", "model"), ("limit=0", "limit"), ("limit=101", "limit"),
    ("limit=x", "limit"), ("limit=-1", "limit"), (f"limit={2**70}", "limit"), ("limit=", "limit"),
    ("limit=1&limit=2", "limit"), ("ordering=prompt", "ordering"), ("ordering=", "ordering"),
    ("ordering=--id", "ordering"), ("cursor=", "cursor"), ("cursor=abc", "cursor"),
    ("cursor=%00", "cursor"), ("cursor=W10", "cursor"), ("cursor=MQ", "cursor"),
    ("cursor=WyItaWQiLDEsMSwxZTldXQ", "cursor"), ("cursor=é", "cursor"), ("owner=1", "owner"),
    ("key=trk_x", "key"), ("status__in=x", "status__in"),
])  # fmt: skip
def test_a_bad_query_is_400_and_names_the_parameter(api, query, field):
    error = error_of(api.get(f"{TASKS}?{query}"), 400)
    assert error["code"] == "VALIDATION_ERROR"
    assert list(error["fields"]) == [field]


@pytest.mark.parametrize(
    "timeout", ["x", "-1", "61", "NaN", "inf", "", "1e9", "1&timeout=2", "%00"]
)
def test_a_nonsense_waiting_time_is_400(api, make_task, timeout):
    error = error_of(api.get(f"/api/tasks/{make_task().pk}/wait/?timeout={timeout}"), 400)
    assert list(error["fields"]) == ["timeout"]


@pytest.mark.parametrize("query", ["a=" + "x" * 100_000, "&".join(f"p{n}=1" for n in range(2000))])
def test_a_flood_of_parameters_is_400(api, query):
    assert api.get(f"{TASKS}?{query}").status_code == 400
