from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.engine.aging import MOST_BOOST, age
from tasks.engine.claim import claim
from tasks.models import Task
from tasks.stats.queue import queue_position

pytestmark = pytest.mark.django_db(transaction=True)


def waited(task: Task, seconds: float) -> Task:
    Task.objects.filter(pk=task.pk).update(updated_at=timezone.now() - timedelta(seconds=seconds))
    return task


@pytest.fixture(autouse=True)
def _one_step_a_minute(settings) -> None:
    settings.TASKRUNNER_AGING = 60


def test_patient_task_overtakes_a_slightly_more_urgent_one(make_task):
    patient = waited(make_task(priority=3), 130)
    urgent = make_task(priority=4)

    assert age() == 2  # one step, then the second

    patient.refresh_from_db()
    assert patient.boost == 2
    assert queue_position(patient) == 1
    assert [c.task_id for c in claim(5, "w").claimed] == [patient.pk, urgent.pk]


def test_boost_is_capped(make_task):
    patient = waited(make_task(priority=1), 10_000)
    urgent = make_task(priority=5)

    age()

    patient.refresh_from_db()
    assert patient.boost == MOST_BOOST
    assert [c.task_id for c in claim(5, "w").claimed] == [urgent.pk, patient.pk]


def test_fresh_and_waiting_tasks_are_left_alone(make_task):
    make_task()
    waited(make_task(wake_at=timezone.now() + timedelta(hours=1)), 10_000)

    assert age() == 0


def test_aging_can_be_switched_off(make_task, settings):
    settings.TASKRUNNER_AGING = 0
    waited(make_task(), 10_000)

    assert age() == 0
