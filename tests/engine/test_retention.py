from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine.retention import prune
from tasks.models import Attempt, Batch, IdempotencyRecord, Task

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timezone.now() - timedelta(days=40)


def test_only_ended_tasks_over_the_age_go_with_all_that_hangs_on_them(make_task, settings, owner):
    settings.TASKRUNNER_RETENTION_DAYS = 30
    old = make_task(status="COMPLETED", finished_at=LONG_AGO)
    Attempt.objects.create(
        task=old, number=1, provider="mock", model="m", lease_token=old.lease_token or "0" * 32,
        started_at=LONG_AGO,
    )  # fmt: skip
    IdempotencyRecord.objects.create(owner=owner, key="k", fingerprint="f", task=old)
    young = make_task(status="FAILED", finished_at=timezone.now() - timedelta(days=29))
    waiting = make_task()
    Task.objects.filter(pk=waiting.pk).update(created_at=LONG_AGO)

    assert prune() == 1

    assert set(Task.objects.values_list("pk", flat=True)) == {young.pk, waiting.pk}
    assert not Attempt.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_batch_goes_with_the_last_of_its_tasks(make_task, settings, owner):
    settings.TASKRUNNER_RETENTION_DAYS = 30
    emptied, kept = (Batch.objects.create(owner=owner, total=2, is_open=False) for _ in range(2))
    Batch.objects.update(created_at=LONG_AGO)
    ended = {"status": "COMPLETED", "finished_at": LONG_AGO}
    make_task(batch=emptied, **ended), make_task(batch=kept, **ended), make_task(batch=kept)

    assert prune() == 2

    assert list(Batch.objects.all()) == [kept]


def test_without_the_setting_everything_is_kept(make_task):
    make_task(status="COMPLETED", finished_at=LONG_AGO)

    assert prune() == 0
    assert Task.objects.count() == 1
