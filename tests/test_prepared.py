"""Queries whose SQL is written once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest
from django.db import connection
from django.db.models import F

from tasks.models import Task
from tasks.prepared import Prepared
from tasks.services import submit


@pytest.fixture
def tasks(owner):
    return [submit(owner, {"prompt": word}, idempotency_key=None).task for word in ("a", "b", "a")]


def test_each_call_selects_by_its_own_values(tasks, django_assert_num_queries):
    by_prompt = Prepared(lambda prompt, most: Task.objects.filter(prompt=prompt, pk__lte=most))
    with django_assert_num_queries(3):
        assert {task.pk for task in by_prompt("a", 2**62)} == {tasks[0].pk, tasks[2].pk}
        assert by_prompt("a", tasks[0].pk) == [tasks[0]]
        assert by_prompt.first("none", 1) is None


def test_rows_are_as_django_makes_them(tasks):
    prepared = Prepared(lambda key: Task.objects.select_related("owner").filter(pk=key))
    for _ in range(2):
        task = prepared.first(tasks[0].pk)
        assert vars(task) | {"_state": None} == vars(
            Task.objects.select_related("owner").get(pk=tasks[0].pk)
        ) | {"_state": None}
        assert task._state.fields_cache["owner"].username == "owner"
    task.prompt = "changed"
    task.save()
    assert prepared.first(task.pk).prompt == "changed"


def test_moments_are_values_too_and_rows_may_be_read_one_by_one(tasks):
    between = Prepared(
        lambda start, end: Task.objects.filter(created_at__gte=start, created_at__lt=end)
    )
    eleven = datetime(2026, 1, 1, 11, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=3)))
    for n, task in enumerate(tasks):
        Task.objects.filter(pk=task.pk).update(created_at=eleven + timedelta(hours=n))
    for n, task in enumerate(tasks):
        start = eleven + timedelta(hours=n)
        assert list(between.iterate(start, start + timedelta(hours=1))) == [task]
        assert task in between(start, start + timedelta(hours=2))


def test_the_sql_is_written_once_for_a_connection(tasks):
    built = []

    def build(key):
        built.append(key)
        return Task.objects.filter(pk=key).values_list("prompt", flat=True)

    prepared = Prepared(build)
    assert [prepared(task.pk) for task in tasks] == [["a"], ["b"], ["a"]]
    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_every_thread_has_its_own(tasks):
    prompts = Prepared(lambda key: Task.objects.filter(pk=key).values_list("prompt", flat=True))
    found: dict[int, list[str]] = {}

    def look(task):
        found[task.pk] = [prompts.first(task.pk) for _ in range(20)]
        connection.close()

    threads = [threading.Thread(target=look, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {task.pk: [task.prompt] * 20 for task in tasks}


def test_a_value_that_is_changed_on_its_way_is_refused(db):
    doubled = Prepared(lambda key: Task.objects.filter(pk=key * 2))
    with pytest.raises(ValueError, match="does not reach the SQL"):
        doubled(1)


def test_a_query_with_values_of_its_own_keeps_them(tasks):
    shifted = Prepared(lambda key: Task.objects.annotate(next=F("pk") + 1).filter(next=key))
    assert shifted.first(tasks[0].pk + 1) == tasks[0]
