from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tasks import services
from tasks.engine.claim import claim
from tasks.engine.outbox import record_batch
from tasks.engine.settle import settle_each
from tasks.errors import InvalidState
from tasks.models import Event, WebhookDelivery, WebhookEndpoint
from tasks.policy.redelivery import MOST_TRIES, decide_redelivery
from tasks.services.webhooks import change_webhook, create_webhook, redeliver
from tasks.vocabulary import EventType
from tasks.webhooks.letters import take_letters
from tasks.webhooks.messages import KEPT_DAYS, prune_deliveries, write_messages
from tests.engine.test_settle import verdict_for
from tests.outbox import settled_events

pytestmark = pytest.mark.django_db(transaction=True)


def end_one(owner, **fields):
    task = services.submit(owner, {"prompt": "hello", **fields}).task
    return services.cancel(owner, task.pk)


def only_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_the_end_of_a_task_is_told_once_and_verifies(owner, endpoint, receiver, deliver):
    task = end_one(owner, metadata={"order": 7})

    deliver()
    deliver(again=True)

    ((headers, body),) = receiver.came
    told = Webhook(endpoint.secret).verify(body, headers)
    assert (told["type"], told["data"]["id"]) == ("task.cancelled", task.pk)
    assert (told["data"]["status"], told["data"]["metadata"]) == ("CANCELLED", {"order": 7})
    assert headers["content-type"] == "application/json"
    row = only_delivery()
    assert (row.state, row.log[0]["http_status"], row.log[0]["error"]) == ("delivered", 204, None)


def test_tampered_and_stale_messages_do_not_verify(owner, endpoint, receiver, deliver):
    end_one(owner)
    deliver()
    ((headers, body),) = receiver.came
    judge = Webhook(endpoint.secret)

    with pytest.raises(WebhookVerificationError):
        judge.verify(body.replace(b"CANCELLED", b"COMPLETED"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(WebhookEndpoint(nonce="another").secret).verify(body, headers)
    for seconds in (-3600, 3600):  # a replay, and a timestamp that was changed
        moved = str(int(headers["webhook-timestamp"]) + seconds)
        with pytest.raises(WebhookVerificationError):
            judge.verify(body, headers | {"webhook-timestamp": moved})


def test_a_receiver_that_fails_gets_the_same_message_again(owner, endpoint, receiver, deliver):
    end_one(owner)
    receiver.status = 500
    deliver()
    row = only_delivery()
    assert (row.state, row.log[0]["error"]) == ("pending", "It answered 500.")
    assert row.next_try_at > timezone.now()

    receiver.status = 200
    deliver(again=True)

    (first, _), (second, _) = receiver.came
    assert receiver.came[0][1] == receiver.came[1][1]
    assert first["webhook-id"] == second["webhook-id"]
    assert [one["number"] for one in only_delivery().log] == [1, 2]
    assert only_delivery().state == "delivered"


def test_tries_are_spread_over_hours_and_end(owner, endpoint, receiver, deliver):
    receiver.status = 503
    end_one(owner)
    for _ in range(MOST_TRIES + 2):
        deliver(again=True)

    row = only_delivery()
    assert (row.state, row.tries, len(receiver.came)) == ("failed", MOST_TRIES, MOST_TRIES)
    waits = [decide_redelivery(tries, lambda: 0.5) for tries in range(1, MOST_TRIES)]
    assert waits == sorted(waits)
    assert 12 * 3600 < sum(waits) < 24 * 3600
    assert decide_redelivery(1, lambda: 0.0) < decide_redelivery(1, lambda: 1.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(owner, endpoint, receiver, deliver, status):
    receiver.status, receiver.headers_sent = status, {"Location": receiver.url}
    end_one(owner)

    deliver()

    assert len(receiver.came) == 1
    assert "redirects are not followed" in only_delivery().log[0]["error"]


def test_an_endpoint_that_is_gone_is_switched_off(owner, endpoint, receiver, deliver):
    receiver.status = 410
    end_one(owner)
    deliver()

    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, "410" in endpoint.disabled_reason) == (False, True)


def test_an_endpoint_that_fails_for_days_is_switched_off_until_enabled(
    owner, endpoint, receiver, deliver
):
    receiver.status = 500
    end_one(owner)
    deliver()
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=4))
    deliver(again=True)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, "3 days" in endpoint.disabled_reason) == (False, True)
    deliver(again=True)
    assert len(receiver.came) == 2  # nothing more goes there

    receiver.status = 200
    change_webhook(owner, endpoint.pk, {"enabled": True})
    deliver(again=True)

    endpoint.refresh_from_db()
    assert (only_delivery().state, endpoint.failing_since) == ("delivered", None)


def test_nobody_is_told_of_others_of_the_past_or_of_what_they_did_not_ask(
    owner, stranger, receiver, deliver
):
    end_one(owner)
    create_webhook(owner, {"url": receiver.url, "events": ["task.failed"]})
    end_one(stranger)
    end_one(owner)

    deliver()

    assert receiver.came == []


def test_the_end_of_a_batch_is_told(owner, endpoint, receiver, deliver):
    record_batch(EventType.BATCH_FINISHED, 12, owner.pk)

    deliver()

    assert json.loads(receiver.came[0][1])["type"] == "batch.finished"


def test_two_postmen_write_and_take_each_message_once(owner, endpoint):
    for _ in range(3):
        end_one(owner)
    settled_events()
    taken = []

    def work() -> None:
        try:
            write_messages()
            taken.extend(letter.message_id for letter in take_letters(16, Counter()))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    write_messages()
    taken += [letter.message_id for letter in take_letters(16, Counter())]

    assert WebhookDelivery.objects.count() == len(taken) == len(set(taken)) == 3


def test_a_message_whose_sender_died_is_sent_again_after_its_lease(
    owner, endpoint, receiver, deliver
):
    end_one(owner)
    settled_events()
    write_messages()
    assert len(take_letters(16, Counter())) == 1  # by somebody who is killed now
    deliver()
    assert receiver.came == []

    deliver(again=True)

    assert len(receiver.came) == 1


def test_a_delivery_is_sent_again_on_demand_under_its_id(owner, endpoint, receiver, deliver):
    end_one(owner)
    deliver()
    row = only_delivery()
    redeliver(owner, endpoint.pk, row.pk)
    with pytest.raises(InvalidState):
        redeliver(owner, endpoint.pk, row.pk)

    deliver()

    assert receiver.tries == {row.message_id: 2}
    assert len(only_delivery().log) == 2


def test_one_end_and_one_message_when_cancel_meets_completion(owner, endpoint, receiver, deliver):
    """O2: 200 races."""

    def settle(verdict) -> None:
        try:
            settle_each([verdict])
        finally:
            connection.close()

    for number in range(200):
        task = services.submit(owner, {"prompt": "hello"}).task
        (claimed,) = claim(1, "worker").claimed
        rival = threading.Thread(target=settle, args=(verdict_for(claimed),))
        if number % 2:
            rival.start()
        with contextlib.suppress(InvalidState):
            services.cancel(owner, task.pk)
        if not number % 2:
            rival.start()
        rival.join()

    ends = Event.objects.filter(type__in=["task.completed", "task.cancelled"])
    assert ends.count() == ends.values("task_id").distinct().count() == 200
    deliver()
    ids = [json.loads(body)["data"]["id"] for _, body in receiver.came]
    assert len(ids) == len(set(ids)) == 200


def test_old_deliveries_are_forgotten(owner, endpoint, receiver, deliver):
    end_one(owner)
    deliver()
    assert prune_deliveries() == 0
    WebhookDelivery.objects.update(finished_at=timezone.now() - timedelta(days=KEPT_DAYS + 1))
    assert prune_deliveries() == 1


def test_the_secret_stands_nowhere_in_the_database(endpoint):
    columns = [str(getattr(endpoint, field.attname)) for field in endpoint._meta.fields]
    assert not any(endpoint.secret[6:] in text or endpoint.key.hex() in text for text in columns)
