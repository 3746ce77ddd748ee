from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tasks.models import ApiKey
from tasks.vocabulary import Scope
from tests.api.conftest import client_of, error_of

KEYS = "/api/keys/"


def with_key(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def test_a_key_is_shown_once_and_works_until_it_is_revoked(api):
    made = api.post(KEYS, {"name": "ci", "scope": "write"})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    body = made.json()
    other = with_key(body.pop("key"))
    assert other.post("/api/tasks/", {"prompt": "hello"}).status_code == 201
    shown = api.get(made["Location"]).json()
    assert shown.pop("last_used_at") is not None
    assert shown == {name: value for name, value in body.items() if name != "last_used_at"}
    assert api.get(KEYS).json()["results"][0]["id"] == body["id"]

    assert api.delete(made["Location"]).status_code == 204

    error_of(other.get("/api/tasks/"), 401)
    assert api.get(made["Location"]).json()["revoked_at"] is not None


def test_a_key_reads_unless_more_is_asked_for(api):
    assert api.post(KEYS, {"name": "watch"}).json()["scope"] == "read"


def test_a_key_makes_none_above_itself(api, owner):
    assert list(error_of(api.post(KEYS, {"name": "n", "scope": "admin"}), 400)["fields"]) == [
        "scope"
    ]
    error_of(client_of(owner, Scope.READ).post(KEYS, {"name": "n"}), 403)
    assert client_of(owner, Scope.ADMIN).post(KEYS, {"name": "n", "scope": "admin"}).json()["key"]


def test_a_key_that_expires_makes_none_that_lives_longer(api):
    soon, later = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(hours=2)
    ApiKey.objects.update(expires_at=soon)
    answer = api.post(KEYS, {"name": "n", "expires_at": later.isoformat()})
    assert list(error_of(answer, 400)["fields"]) == ["expires_at"]
    made = api.post(KEYS, {"name": "n"}).json()
    assert ApiKey.objects.get(pk=made["id"]).expires_at == soon


def test_others_keys_exist_for_admins_only(api, stranger_api, operator, staff_api):
    key_id = api.post(KEYS, {"name": "mine"}).json()["id"]
    low = client_of(operator, Scope.WRITE)
    for client in (stranger_api, low):
        error_of(client.get(f"{KEYS}{key_id}/"), 404)
        error_of(client.delete(f"{KEYS}{key_id}/"), 404)
    assert staff_api.delete(f"{KEYS}{key_id}/").status_code == 204


@pytest.mark.parametrize(
    ("order", "field"),
    [({}, "name"), ({"name": " "}, "name"), ({"name": "a\nb"}, "name"),
     ({"name": "n", "scope": "root"}, "scope"), ({"name": "n", "user": 1}, "user"),
     ({"name": "n", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at")],
)  # fmt: skip
def test_what_breaks_a_rule_is_named(api, order, field):
    assert list(error_of(api.post(KEYS, order), 400)["fields"]) == [field]


def test_there_are_a_hundred_at_most(api, owner):
    ApiKey.objects.bulk_create(
        ApiKey(user=owner, name="n", prefix="p", digest=str(n)) for n in range(99)
    )
    error_of(api.post(KEYS, {"name": "n"}), 400)


def test_an_unchanged_task_is_not_sent_again(api, make_task):
    address = f"/api/tasks/{make_task().pk}/"
    etag = api.get(address)["ETag"]
    again = api.get(address, headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)

    api.patch(address, {"priority": 9})

    changed = api.get(address, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["priority"]) == (200, 9)
    assert changed["ETag"] != etag


def test_every_answer_says_how_much_is_left(api, settings, db):
    settings.API_CALLS_A_MINUTE = 3
    answers = [api.get(path) for path in ("/api/tasks/", "/api/tasks/9/", "/api/x", "/api/tasks/")]
    answers.append(api.get("/api/tasks/"))
    counted = [a for a in answers if a.has_header("RateLimit-Limit")]
    assert [int(a["RateLimit-Remaining"]) for a in counted] == [2, 1, 0, 0]
    assert {a["RateLimit-Limit"] for a in counted} == {"3"}
    assert all(1 <= int(a["RateLimit-Reset"]) <= 60 for a in counted)
    assert counted[-1].status_code == 429
    assert counted[-1]["Retry-After"]
