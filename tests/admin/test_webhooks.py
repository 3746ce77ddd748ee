from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.utils import timezone

from tasks.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from tasks.services.webhooks import create_webhook
from tests.admin.conftest import HOSTILE

LIST = "/admin/tasks/webhookendpoint/"
DELIVERIES = "/admin/tasks/webhookdelivery/"


@pytest.fixture
def endpoint(owner):
    order = {"url": "https://example.org/hook", "description": HOSTILE[:100]}
    return create_webhook(owner, order)


@pytest.fixture
def make_delivery(endpoint):
    def make(event_id, state="failed", **values):
        now = timezone.now()
        tried = {"number": 1, "at": now.isoformat(), "http_status": 500,
                 "error": f"Answered 500: {HOSTILE}", "duration_ms": 7}  # fmt: skip
        return WebhookDelivery.objects.create(
            endpoint=endpoint, event_id=event_id, type="task.failed", state=state, tries=9,
            body='{"type":"task.failed","data":{"id":1}}', log=[tried], created_at=now,
            finished_at=now, **values,
        )  # fmt: skip

    return make


def test_a_new_webhook_shows_its_secret_once(operator_client):
    form = {"url": "https://example.org/hook", "events": ["task.failed"], "description": "ops"}
    response = operator_client.post(f"{LIST}add/", form)
    secret = re.search(r'id="secret">(whsec_[^<]+)<', response.text)[1]
    made = WebhookEndpoint.objects.get()
    assert (made.secret, made.events, made.owner.username) == (secret, ["task.failed"], "operator")
    for page in (LIST, f"{LIST}{made.pk}/change/", "/admin/"):
        assert secret not in operator_client.get(page).text
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    assert secret not in kept + str(operator_client.cookies) + str(list(LogEntry.objects.values()))


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ftp://example.org/", "x", "http://[::1]/"])
def test_an_address_that_may_not_be_called_is_refused_on_its_field(operator_client, url):
    form = {"url": url, "events": ["task.failed"]}
    response = operator_client.post(f"{LIST}add/", form)
    assert "errorlist" in response.text
    assert not WebhookEndpoint.objects.exists()


def test_the_page_shows_the_newest_messages_and_what_was_said(
    operator_client, endpoint, make_delivery
):
    make_delivery(7), make_delivery(8, "delivered")
    text = operator_client.get(f"{LIST}{endpoint.pk}/change/").text
    assert "evt_7" in text
    assert "pill-delivered" in text
    assert "Answered 500" in text
    assert endpoint.secret not in text
    assert "<script>alert" not in text


def test_a_failed_message_is_sent_again_under_the_same_id(
    operator_client, make_delivery, messages_of
):
    row = make_delivery(7)
    response = operator_client.post(f"{DELIVERIES}{row.pk}/redeliver/", follow=True)
    assert messages_of(response) == ["evt_7 is on its way again."]
    again = WebhookDelivery.objects.get()
    assert (again.pk, again.state, again.tries, again.finished_at) == (row.pk, "pending", 0, None)
    assert AuditEntry.objects.filter(action="webhook.redeliver").count() == 1
    assert LogEntry.objects.get().change_message == "Sent again."


def test_a_message_under_way_is_not_sent_again(operator_client, make_delivery, messages_of):
    row = make_delivery(7, "pending", next_try_at=timezone.now())
    assert "Send again" not in operator_client.get(f"{DELIVERIES}{row.pk}/change/").text
    response = operator_client.post(f"{DELIVERIES}{row.pk}/redeliver/", follow=True)
    assert "still being tried" in messages_of(response)[0]


def test_many_messages_are_sent_again_at_once(operator_client, make_delivery, messages_of):
    rows = [make_delivery(n) for n in range(1, 4)]
    keys = [row.pk for row in rows]
    data = {"action": "redeliver_selected", "_selected_action": keys}
    response = operator_client.post(DELIVERIES, data, follow=True)
    assert messages_of(response) == ["3 on the way again."]
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"pending"}


def test_messages_are_listed_by_webhook_and_state(operator_client, endpoint, make_delivery, owner):
    make_delivery(1), make_delivery(2, "delivered")
    other = create_webhook(owner, {"url": "https://example.org/other"})
    query = {"endpoint__id__exact": endpoint.pk, "state__exact": "failed"}
    shown = operator_client.get(DELIVERIES, query).context["cl"].result_list
    assert [row.event_id for row in shown] == [1]
    query = {"endpoint__id__exact": other.pk}
    assert not operator_client.get(DELIVERIES, query).context["cl"].result_list


def test_a_webhook_is_switched_off_and_on(operator_client, endpoint):
    for name, is_enabled in (("disable", False), ("enable", True)):
        operator_client.post(f"{LIST}{endpoint.pk}/{name}/")
        endpoint.refresh_from_db()
        assert endpoint.is_enabled is is_enabled
    assert LogEntry.objects.count() == 2


def test_a_deleted_webhook_takes_its_messages_along(operator_client, endpoint, make_delivery):
    make_delivery(1)
    operator_client.post(f"{LIST}{endpoint.pk}/delete/", {"post": "yes"})
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()
    assert AuditEntry.objects.filter(action="webhook.delete").count() == 1


def test_who_may_only_look_changes_nothing(staff_client, endpoint, make_delivery):
    row = make_delivery(1)
    client = staff_client("view_webhookendpoint", "view_webhookdelivery")
    assert client.get(f"{LIST}{endpoint.pk}/change/").status_code == 200
    assert client.get(f"{DELIVERIES}{row.pk}/change/").status_code == 200
    for path in (f"{LIST}{endpoint.pk}/disable/", f"{DELIVERIES}{row.pk}/redeliver/",
                 f"{LIST}add/", f"{LIST}{endpoint.pk}/delete/"):  # fmt: skip
        assert client.post(path, {"url": "https://example.org"}).status_code == 403


def test_who_may_not_look_sees_nothing(staff_client, endpoint, make_delivery):
    row = make_delivery(1)
    client = staff_client("view_task")
    for path in (LIST, DELIVERIES, f"{LIST}{endpoint.pk}/change/",
                 f"{DELIVERIES}{row.pk}/change/"):  # fmt: skip
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("key", ["0", "abc", "9" * 30])
def test_what_is_not_there_is_not_found(operator_client, db, key):
    assert operator_client.get(f"{LIST}{key}/change/").status_code == 404
    assert operator_client.get(f"{DELIVERIES}{key}/change/").status_code == 404
