"""Which index a page of the list is read by."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.api import reading, shelves
from tasks.models import Batch, PromptTemplate, TemplateVersion

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL plans by what it has counted"
)
_SINCE = "created_after=2020-01-01T00:00:00Z"


def plan_of(api, query):
    """How SQLite finds the tasks of the page: the steps of all queries that ask for whole tasks;
    where such a query only fetches what another within it finds, the steps of that one."""
    with CaptureQueriesContext(connection) as captured:
        assert api.get(f"/api/tasks/?{query}").status_code == 200
    queries = [one["sql"] for one in captured.captured_queries]
    steps = []
    with connection.cursor() as cursor:
        for page in (one for one in queries if '"tasks_task"."prompt"' in one):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {page}").fetchall()
            within = [row for row in rows if row[1] != 0]
            steps += [f"{row[3]} " for row in within or rows]
    return steps


@pytest.fixture
def staff(owner):
    owner.is_staff = True
    owner.save()


@pytest.fixture
def nothing_is_few(monkeypatch):
    monkeypatch.setattr(shelves, "FEW", 0)
    monkeypatch.setattr(shelves, "FEW_IN_TIME", 0)


@pytest.fixture
def tasks(make_task, owner):
    """One that has all that can be asked for, among others that have nothing of it."""
    for _ in range(4):
        make_task(set_to={"status": "COMPLETED", "finished_at": timezone.now()})
    template = PromptTemplate.objects.create(owner=owner, name="greet")
    version = TemplateVersion.objects.create(
        template=template, number=1, prompt="hello", variables=[]
    )
    batch = Batch.objects.create(pk=7, owner=owner, total=1)
    odd = {"status": "FAILED", "error_code": "timeout", "truncated": True, "model": "odd",
           "result_source": "mock", "batch": batch, "template_version": version,
           "finished_at": timezone.now(), "started_at": timezone.now()}  # fmt: skip
    make_task(priority=9, set_to=odd)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("batch=7", "task_batch"),
        ("template=greet", "task_template"),
        ("error_code=timeout", "task_trouble"),
        ("truncated=true", "task_truncated"),
        ("result_source=mock", "task_odd_source"),
        ("model=odd", "task_model_id"),
        ("priority=9", "task_priority_id"),
        ("status=FAILED", "task_owner_status_id"),
        ("model=odd&status=COMPLETED", "task_model_id"),
        ("tag=any&batch=7&truncated=false", "task_batch"),
    ],
)
@pytest.mark.parametrize("ordering", ["id", "priority", "-updated_at", "-finished_at"])
def test_the_few_tasks_that_have_a_part_of_what_is_asked_for_are_found_by_it(
    api, tasks, monkeypatch, query, index, ordering
):
    monkeypatch.setattr(shelves, "FEW", 1)
    monkeypatch.setattr(shelves, "FEW_IN_TIME", 1)
    steps = plan_of(api, f"{query}&ordering={ordering}&{_SINCE}")
    assert any(f"INDEX {index} " in step for step in steps), steps


@pytest.mark.parametrize(
    ("query", "plan"),
    [
        ("ordering=-priority", "USING INDEX task_priority_id"),
        ("status=FAILED&ordering=-finished_at", "USING INDEX task_finished"),
        ("status=FAILED", "USING INDEX task_status_id"),
        ("status=FAILED&status=CANCELLED", "USING INDEX task_status_id"),
        ("error_code=timeout", "USING INDEX task_trouble"),
        ("truncated=true", "USING INDEX task_truncated"),
        ("result_source=mock", "USING INDEX task_odd_source"),
        ("model=gpt-6-luna", "USING INDEX task_model_id"),
        ("batch=7&ordering=updated_at", "USING INDEX task_batch_updated_at"),
        ("batch=7&status=FAILED&ordering=-started_at", "USING INDEX task_batch_started_at"),
        ("batch=7&ordering=-finished_at", "USING INDEX task_batch_finished_at"),
        ("template=greet&ordering=-updated_at", "USING INDEX task_template_updated_at"),
        ("template=greet@1&ordering=started_at", "USING INDEX task_template_started_at"),
        (
            "template=greet&status=FAILED&ordering=finished_at",
            "USING INDEX task_template_finished_at",
        ),
    ],
)
def test_many_rows_are_read_in_their_order_and_never_sorted(
    api, tasks, staff, monkeypatch, query, plan
):
    monkeypatch.setattr(shelves.Shelf, "has_at_most", lambda shelf, most: False)
    steps = plan_of(api, query)
    assert any(f"{plan} " in step for step in steps), steps
    assert not any("ORDER BY" in step for step in steps), steps


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("model=odd&ordering=priority", "COVERING INDEX task_owner_id"),
        ("priority__gte=3&ordering=-created_at", "COVERING INDEX task_owner_id"),
        ("batch=7&ordering=-priority", "COVERING INDEX task_batch"),
        ("batch=7&ordering=-created_at&priority=9", "COVERING INDEX task_batch"),
        ("batch=7&ordering=-priority&status=FAILED", "COVERING INDEX task_batch"),
        ("template=greet&ordering=-priority", "COVERING INDEX task_template"),
        ("template=greet&ordering=priority&status=FAILED", "COVERING INDEX task_template"),
        ("result_source=mock&ordering=-priority", "COVERING INDEX task_odd_source"),
    ],
)
def test_what_a_walk_does_not_find_is_sorted_by_what_an_index_knows(
    api, tasks, nothing_is_few, monkeypatch, query, index
):
    monkeypatch.setattr(reading, "WALK", 4)
    assert any(index in step for step in plan_of(api, query))


@pytest.mark.parametrize("ordering", ["id", "-priority", "-finished_at"])
def test_a_short_time_is_looked_through_by_that_time(api, tasks, staff, monkeypatch, ordering):
    monkeypatch.setattr(shelves, "FEW", 0)
    steps = plan_of(api, f"status=FAILED&{_SINCE}&ordering={ordering}")
    assert any("INDEX task_created" in step for step in steps)


def test_tasks_that_were_never_called_are_found_without_those_that_were(api, tasks, staff):
    steps = plan_of(api, "ordering=-started_at")
    assert any("INDEX task_unstarted" in step for step in steps), steps


def test_the_plain_list_asks_for_its_page_and_nothing_else(api, tasks):
    with CaptureQueriesContext(connection) as captured:
        api.get("/api/tasks/?status=FAILED")
    assert sum("tasks_task" in one["sql"] for one in captured.captured_queries) == 1
