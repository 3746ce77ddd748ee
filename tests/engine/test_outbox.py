from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tasks import services
from tasks.engine.claim import claim
from tasks.engine.outbox import START, events_after, latest_place, prune_events, record
from tasks.engine.rescue import expire, rescue
from tasks.engine.settle import settle_each
from tasks.engine.verdict import release
from tasks.models import Event, EventPlace, Task
from tasks.services.batch_items import items_of_list
from tasks.services.batches import create_batch
from tasks.services.bulk import BulkAction, act_on_all
from tasks.vocabulary import EventType, Outcome, Status
from tests.connections import on_another_connection
from tests.engine.test_settle import verdict_for
from tests.outbox import settled_events

pytestmark = pytest.mark.django_db(transaction=True)

NO_PLACES = ["", "7", "-", "1-", "-1-2", "1-2-3", "a-b", "1-²", "1-9223372036854775808"]


def told(owner_id: int | None = None) -> list[str]:
    return [event.type for event in settled_events(owner_id)]


def test_a_task_tells_its_life_in_order(owner):
    task = services.submit(owner, {"prompt": "hello"}).task
    (claimed,) = claim(1, "worker").claimed
    settle_each([verdict_for(claimed)])

    assert told() == ["task.submitted", "task.started", "task.completed"]
    event = settled_events()[0]
    assert (event.task_id, event.owner_id) == (task.pk, owner.pk)
    assert abs(timezone.now() - event.at) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "outcome", "event"),
    [
        (Status.FAILED, Outcome.FAILED, "task.failed"),
        (Status.PENDING, Outcome.FAILED, "task.retrying"),
        (Status.PENDING, Outcome.DEFERRED, "task.deferred"),
    ],
)
def test_what_a_call_came_to_is_told(make_task, status, outcome, event):
    make_task()
    (claimed,) = claim(1, "worker").claimed

    settle_each([verdict_for(claimed, status=status, outcome=outcome, result=None)])

    assert told() == ["task.started", event]


def test_a_late_result_tells_nothing(make_task, owner):
    task = make_task()
    (claimed,) = claim(1, "worker").claimed
    services.cancel(owner, task.pk)

    settle_each([verdict_for(claimed)])

    assert told() == ["task.started", "task.cancelled"]


def test_released_rescued_and_expired_tasks_are_told(make_task):
    make_task()
    (claimed,) = claim(1, "worker").claimed
    settle_each([release(claimed, "stopped")])
    Task.objects.update(
        status="PROCESSING", lease_token=uuid4(), lease_expires_at=timezone.now() - timedelta(1)
    )
    rescue()
    Task.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    expire()

    assert told() == ["task.started", "task.released", "task.released", "task.failed"]


def test_moves_of_one_and_of_many_are_told(owner):
    create_batch(owner, items_of_list([{"prompt": "one"}, {"prompt": "two"}]))
    act_on_all(owner, BulkAction.CANCEL, {})
    first = Task.objects.order_by("pk")[0]
    services.retry(owner, first.pk)
    act_on_all(owner, BulkAction.RETRY, {})

    expected = ["submitted"] * 2 + ["cancelled"] * 2 + ["retried"] * 2
    assert told() == [f"task.{word}" for word in expected]


def test_what_was_undone_was_never_told(owner):
    with transaction.atomic():
        services.submit(owner, {"prompt": "hello"})
        transaction.set_rollback(True)

    assert told() == []


def test_each_reads_their_own(owner, stranger):
    services.submit(owner, {"prompt": "hello"})
    services.submit(stranger, {"prompt": "hello"})

    assert len(told(owner.pk)) == len(told(stranger.pk)) == 1
    assert len(told()) == 2


def test_reading_on_page_by_page_meets_every_event_once(owner):
    create_batch(owner, items_of_list([{"prompt": "hello"}] * 5))
    services.submit(owner, {"prompt": "hello"})
    settled_events()
    place, seen = START, []

    while page := events_after(place, limit=2):
        seen += [event.task_id for event in page]
        place = page[-1].place

    assert seen == list(Task.objects.order_by("pk").values_list("pk", flat=True))
    assert place == latest_place()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_a_late_commit_is_not_jumped_over(owner):
    seen = []

    def read_on() -> None:
        seen.extend(events_after(seen[-1].place if seen else START))

    with transaction.atomic():
        record([(EventType.SUBMITTED, 1, owner.pk)])
        on_another_connection(lambda: record([(EventType.SUBMITTED, 2, owner.pk)]))
        on_another_connection(read_on)
        assert seen == []  # not even the one that is committed: an earlier one may follow
    settled_events()
    read_on()

    assert [event.task_id for event in seen] == [1, 2]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_a_transaction_that_tells_last_but_began_first_keeps_its_place(owner):
    with transaction.atomic():
        Task.objects.update(priority=1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")  # its number is drawn, its id is not
        on_another_connection(lambda: record([(EventType.SUBMITTED, 2, owner.pk)]))
        record([(EventType.SUBMITTED, 1, owner.pk)])

    assert [event.task_id for event in settled_events()] == [1, 2]


@pytest.mark.parametrize("text", NO_PLACES)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ValueError, match="no place"):
        EventPlace.parse(text)


def test_a_place_survives_its_text():
    assert EventPlace.parse(str(EventPlace(12, 34))) == EventPlace(12, 34)
    assert EventPlace.parse("0") == START


def test_events_are_kept_for_a_day(owner):
    services.submit(owner, {"prompt": "old"})
    Event.objects.update(at=timezone.now() - timedelta(hours=25))
    young = services.submit(owner, {"prompt": "young"}).task

    assert prune_events() == 1
    assert list(Event.objects.values_list("task_id", flat=True)) == [young.pk]
