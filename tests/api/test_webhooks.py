from __future__ import annotations

import pytest

from tasks.models import WebhookDelivery, WebhookEndpoint
from tasks.querysets import database_now
from tests.api.conftest import error_of

URL = "https://example.org/hooks"


@pytest.fixture
def made(api, db):
    response = api.post("/api/webhooks/", {"url": URL})
    assert response.status_code == 201
    return response.json()


@pytest.fixture
def delivery(made):
    return WebhookDelivery.objects.create(
        endpoint_id=made["id"], event_id=3, type="task.failed", body="{}", state="failed",
        created_at=database_now(), finished_at=database_now(),
        log=[{"number": 1, "at": "2026-11-25T00:00:00Z", "http_status": 500, "error": "x",
              "duration_ms": 3}],
    )  # fmt: skip


def test_the_secret_is_shown_once(api, made):
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["task.completed", "task.failed", "task.cancelled", "batch.finished"]
    shown = api.get(f"/api/webhooks/{made['id']}/").json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert api.get("/api/webhooks/").json()["results"] == [shown]
    assert made["secret"] == WebhookEndpoint.objects.get().secret


def test_a_webhook_is_changed_and_deleted(api, made):
    address = f"/api/webhooks/{made['id']}/"
    changes = {"url": URL + "/2", "events": ["task.started"], "enabled": False}
    changed = api.patch(address, changes).json()
    assert {name: changed[name] for name in changes} == changes
    assert api.delete(address).status_code == 204
    error_of(api.get(address), 404)


def test_deliveries_show_their_tries_and_can_be_sent_again(api, made, delivery):
    address = f"/api/webhooks/{made['id']}/deliveries/"
    (shown,) = api.get(address).json()["results"]
    assert (shown["message_id"], shown["status"], shown["tries"][0]["http_status"]) == (
        "evt_3", "failed", 500,
    )  # fmt: skip
    again = api.post(f"{address}{shown['id']}/redeliver/")
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    error_of(api.post(f"{address}{shown['id']}/redeliver/"), 409)
    error_of(api.post(f"{address}99/redeliver/"), 404)


def test_somebody_elses_webhook_does_not_exist(stranger_api, staff_api, made, delivery):
    address = f"/api/webhooks/{made['id']}/"
    error_of(stranger_api.get(address), 404)
    error_of(stranger_api.patch(address, {"url": URL}), 404)
    error_of(stranger_api.delete(address), 404)
    error_of(stranger_api.get(address + "deliveries/"), 404)
    error_of(stranger_api.post(f"{address}deliveries/{delivery.pk}/redeliver/"), 404)
    assert stranger_api.get("/api/webhooks/").json()["results"] == []
    assert staff_api.get(address).status_code == 200


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/", "https://", "https://user:pw@example.org/",
     "https://example.org/#x", "http://localhost/", "http://localhost./", "http://a.localhost:80/", "http://127.1/",
     "http://metadata.google.internal/", "http://METADATA.Google.Internal./", "http://printer.local/",
     "http://0x7f.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://①②⑦.0.0.1/",
     "http://169.254.169.254/latest/", "http://example.org:0/", "http://example.org:99999/",
     "http://[::1/", "http://exa mple.org/", "http://example.org/\r\nX: y", "http://" + "a" * 500,
     7, None, ["http://example.org/"]],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_is_refused(api, db, url):
    error = error_of(api.post("/api/webhooks/", {"url": url}), 400)
    assert list(error["fields"]) == ["url"]


@pytest.mark.parametrize(
    ("order", "field"),
    [({"url": URL, "events": []}, "events"), ({"url": URL, "events": ["all"]}, "events"),
     ({"url": URL, "secret": "mine"}, "secret"), ({"events": ["task.failed"]}, "url"),
     ([], "non_field_errors")],
)  # fmt: skip
def test_what_breaks_a_rule_is_named(api, db, order, field):
    assert any(
        name.startswith(field)
        for name in error_of(api.post("/api/webhooks/", order), 400)["fields"]
    )


def test_hosts_that_the_operator_allows_may_be_inside(api, db, settings):
    settings.TASKRUNNER_WEBHOOK_ALLOWED_HOSTS = ["localhost", "10.0.0.7"]
    for url in ("http://localhost:9000/", "http://10.0.0.7/"):
        assert api.post("/api/webhooks/", {"url": url}).status_code == 201


def test_there_are_twenty_at_most(api, db):
    for _ in range(20):
        assert api.post("/api/webhooks/", {"url": URL}).status_code == 201
    error_of(api.post("/api/webhooks/", {"url": URL}), 400)
