"""The end of a batch is told once, and once more after a retry."""

from __future__ import annotations

import pytest

from tasks.engine.batch_ends import tell_of_ended_batches
from tasks.models import Event, Task
from tasks.services import retry
from tasks.services.batch_items import items_of_list
from tasks.services.batches import create_batch, retry_failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(owner):
    return create_batch(owner, items_of_list([{"prompt": "a"}, {"prompt": "b"}])).batch


def _told() -> list[tuple[int, int]]:
    events = Event.objects.filter(type="batch.finished")
    return list(events.values_list("batch_id", "owner_id"))


def test_batch_with_a_task_to_run_has_not_ended(batch):
    Task.objects.filter(pk=batch.tasks.first().pk).update(status="COMPLETED")
    assert tell_of_ended_batches() == 0
    assert _told() == []


def test_ended_batch_is_told_once(batch, owner):
    batch.tasks.update(status="FAILED")
    assert (tell_of_ended_batches(), tell_of_ended_batches()) == (1, 0)
    assert _told() == [(batch.pk, owner.pk)]


@pytest.mark.parametrize("again", [
    lambda owner, batch: retry(owner, batch.tasks.first().pk),
    lambda owner, batch: retry_failed(owner, batch.pk),
])  # fmt: skip
def test_batch_with_retried_tasks_ends_once_more(batch, owner, again):
    batch.tasks.update(status="FAILED")
    tell_of_ended_batches()
    again(owner, batch)
    assert tell_of_ended_batches() == 0
    batch.tasks.update(status="COMPLETED")
    assert tell_of_ended_batches() == 1
    assert len(_told()) == 2


def test_every_task_of_a_new_batch_has_its_event(batch, owner):
    events = Event.objects.filter(type="task.submitted").order_by("id")
    keys = list(batch.tasks.order_by("id").values_list("id", flat=True))
    assert list(events.values_list("task_id", "owner_id")) == [(pk, owner.pk) for pk in keys]
