"""Who may do what: rows A1 and A2 at the REST door."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tasks.models import ApiKey, Task
from tasks.services.api_keys import create_api_key, revoke_api_key
from tasks.vocabulary import Scope
from tests.api.conftest import client_of, error_of

TASKS = "/api/tasks/"
ORDER = {"prompt": "hello"}
DOORS = [
    ("GET", TASKS), ("POST", TASKS), ("GET", "/api/"), ("GET", "/api/providers/"),
    ("POST", "/api/tasks/actions/"), ("GET", "/api/tasks/1/"), ("PATCH", "/api/tasks/1/"),
    ("DELETE", "/api/tasks/1/"), ("GET", "/api/tasks/1/wait/"), ("POST", "/api/tasks/1/cancel/"),
    ("POST", "/api/batches/"), ("GET", "/api/batches/1/"), ("GET", "/api/batches/1/results.jsonl"),
    ("POST", "/api/templates/"), ("GET", "/api/templates/1/"), ("POST", "/api/tasks/1/retry/"),
    ("POST", "/api/tasks/1/clone/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_without_a_key_every_door_is_401(db, method, path):
    response = APIClient().generic(method, path)
    assert error_of(response, 401)["code"] == "NOT_AUTHENTICATED"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def _revoked(row):
    revoke_api_key(row)


def _expired(row):
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def _switched_off(row):
    row.user.is_active = False
    row.user.save()


@pytest.mark.parametrize("ruin", [_revoked, _expired, _switched_off])
@pytest.mark.parametrize("door", [TASKS, "/api/tasks/{id}/wait/"])
def test_a_key_that_is_of_no_use_any_more_is_401(owner, make_task, ruin, door):
    path = door.format(id=make_task(set_to={"status": "COMPLETED"}).pk)
    row, key = create_api_key(owner, name="k", scope=Scope.ADMIN)
    client = APIClient(headers={"Authorization": f"Bearer {key}"})
    assert client.get(path).status_code == 200
    ruin(row)
    response = client.get(path)
    error = error_of(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert key not in str(error)


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Bearer trk_wrong", "Bearer a b", "Bearer é", "Bearer \x00",
    "bearer trk_" + "x" * 100_000, "Basic b3duZXI6b3duZXItcGFzc3dvcmQ=", "Token trk_x", "trk_x",
])  # fmt: skip
def test_a_header_that_is_no_good_key_is_401(owner, header):
    response = APIClient().get(TASKS, HTTP_AUTHORIZATION=header)
    error_of(response, 401)


@pytest.mark.parametrize("name", ["key", "api_key", "token", "access_token", "authorization"])
def test_a_key_in_the_address_opens_nothing(owner, name):
    _, key = create_api_key(owner, name="k", scope=Scope.ADMIN)
    error_of(APIClient().get(f"{TASKS}?{name}={key}"), 401)


def test_a_key_in_the_body_opens_nothing(owner):
    _, key = create_api_key(owner, name="k", scope=Scope.ADMIN)
    error_of(APIClient().post(TASKS, {**ORDER, "api_key": key}), 401)


@pytest.mark.parametrize(("method", "path"), [door for door in DOORS if door[0] != "GET"])
def test_a_read_key_cannot_write(owner, make_task, method, path):
    task = make_task()
    response = client_of(owner, Scope.READ).generic(
        method, path.replace("/1/", f"/{task.pk}/"), "{}", content_type="application/json"
    )
    assert error_of(response, 403)["code"] == "NOT_PERMITTED"
    assert Task.objects.get().status == "PENDING"


def test_a_read_key_reads(owner, make_task):
    client = client_of(owner, Scope.READ)
    assert client.get(f"/api/tasks/{make_task().pk}/").status_code == 200
    assert client.get(TASKS).status_code == 200
    assert client.options(TASKS).status_code == 200


@pytest.mark.parametrize("scope", [Scope.WRITE, Scope.ADMIN])
def test_a_write_key_and_an_admin_key_write(owner, scope):
    assert client_of(owner, scope).post(TASKS, ORDER).status_code == 201


def test_a_key_remembers_when_it_was_used(owner):
    client = client_of(owner)
    assert ApiKey.objects.get().last_used_at is None
    client.get(TASKS)
    assert timezone.now() - ApiKey.objects.get().last_used_at < timedelta(seconds=30)


@pytest.mark.parametrize(("method", "door"), [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "wait/?timeout=0"), ("POST", "cancel/"),
    ("POST", "retry/"), ("POST", "clone/"),
])  # fmt: skip
@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_another_users_task_looks_like_none_at_all(stranger_api, make_task, method, door, status):
    task = make_task(set_to={"status": status})
    body = '{"priority": 9}' if method == "PATCH" else ""

    def ask(task_id: int):
        address = f"/api/tasks/{task_id}/{door}"
        response = stranger_api.generic(method, address, body, content_type="application/json")
        error = error_of(response, 404)
        return error["code"], error["message"].replace(str(task_id), "N")

    assert ask(task.pk) == ask(task.pk + 1000)
    task.refresh_from_db()
    assert (task.status, task.priority) == (status, 5)
    assert Task.objects.count() == 1


def test_lists_and_bulk_actions_show_no_trace_of_other_users(stranger_api, make_task):
    task = make_task(tags=["secret"])
    for query in ("", "?tag=secret", "?search=hello", "?ordering=priority"):
        assert stranger_api.get(TASKS + query).json()["results"] == []
    order = {"action": "cancel", "filter": {}, "dry_run": False}
    body = stranger_api.post("/api/tasks/actions/", order).json()
    assert (body["matched"], body["eligible"], body["changed"]) == (0, 0, 0)
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_staff_see_and_steer_the_tasks_of_all(staff_api, make_task, owner):
    task = make_task()
    assert [found["owner"] for found in staff_api.get(TASKS).json()["results"]] == ["owner"]
    assert staff_api.post(f"/api/tasks/{task.pk}/cancel/").json()["status"] == "CANCELLED"
    clone = staff_api.post(f"/api/tasks/{task.pk}/clone/").json()
    assert clone["owner"] == "operator"  # what they clone is theirs


def test_a_session_reads_and_writes_with_a_csrf_token_only(owner):
    browser = APIClient(enforce_csrf_checks=True)
    browser.login(username="owner", password="owner-password")
    assert browser.get(TASKS).status_code == 200
    assert error_of(browser.post(TASKS, ORDER), 403)["code"] == "NOT_PERMITTED"
    browser.get(TASKS, HTTP_ACCEPT="text/html")  # sets the cookie
    token = browser.cookies["csrftoken"].value
    response = browser.post(TASKS, ORDER, HTTP_X_CSRFTOKEN=token)
    assert (response.status_code, response.json()["owner"]) == (201, "owner")


def test_a_bad_key_is_not_saved_by_a_good_session(owner):
    browser = APIClient()
    browser.login(username="owner", password="owner-password")
    error_of(browser.get(TASKS, HTTP_AUTHORIZATION="Bearer trk_wrong"), 401)
