"""How many tasks there are is told by blocks, and is what a count of all would tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from tasks import services
from tasks.engine.retention import prune
from tasks.models import Task, TaskBlock
from tasks.models import task_block as task_block_module
from tasks.stats import StatsRange, blocks, take_snapshot
from tasks.stats.rollup import rebuild, roll_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in (task_block_module, blocks):
        monkeypatch.setattr(module, "TASKS_A_BLOCK", 4)


@pytest.fixture
def many(owner, stranger, make_task):
    """Tasks of two people that fill several blocks, all submitted days ago, one after the other:
    of tasks of the same moment, any may be taken for the newest."""
    tasks = [make_task(owner=(owner, stranger)[n % 3 == 0]) for n in range(23)]
    begin = timezone.now() - timedelta(days=9)
    for second, task in enumerate(tasks):
        moment = begin + timedelta(seconds=second)
        Task.objects.filter(pk=task.pk).update(created_at=moment)
    return tasks


def _assert_right(*users):
    for user in users:
        assert take_snapshot(user, StatsRange.HOUR).total == Task.objects.visible_to(user).count()


def test_blocks_count_what_a_count_of_all_does(many, owner, stranger, operator, make_task):
    roll_up()
    assert TaskBlock.objects.filter(owner=None).count() >= 5
    make_task()
    _assert_right(owner, stranger, operator)
    nobody = get_user_model().objects.create_user("nobody")
    assert take_snapshot(nobody, StatsRange.HOUR).total == 0


def test_a_total_is_read_from_the_blocks(many, operator):
    roll_up()
    block = TaskBlock.objects.filter(owner=None).first()
    TaskBlock.objects.filter(pk=block.pk).update(count=104)
    assert take_snapshot(operator, StatsRange.HOUR).total == 23 + 104 - block.count
    rebuild()
    _assert_right(operator)


def test_a_block_whose_task_is_deleted_is_counted_at_once_and_anew(many, owner, operator):
    roll_up()
    own = [task for task in many if task.owner_id == owner.pk]
    services.delete(owner, own[3].pk)
    _assert_right(owner, operator)
    roll_up()
    services.delete(owner, own[8].pk)
    services.delete(owner, own[0].pk)
    _assert_right(owner, operator)


def test_tasks_that_retention_removes_leave_the_total(many, owner, operator, settings):
    roll_up()
    settings.TASKRUNNER_RETENTION_DAYS = 7
    old = [task.pk for task in many[2:12]]
    Task.objects.filter(pk__in=old).update(finished_at=timezone.now() - timedelta(days=8))
    assert prune() == 10
    _assert_right(owner, operator)
    roll_up()
    _assert_right(owner, operator)


def test_the_youngest_ids_may_still_be_uncommitted_and_are_not_taken_for_whole(make_task):
    for _ in range(12):
        make_task()
    Task.objects.update(created_at=timezone.now() - timedelta(minutes=59))
    roll_up()
    assert not TaskBlock.objects.exists()
