"""Lists of many tasks: pages that look through a part, and rows without a value."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.api import reading
from tasks.models import Batch, Task


def pages_of(api, address):
    """The ids of each page, following `next` to the end."""
    pages = []
    while address:
        body = api.get(address).json()
        pages.append([row["id"] for row in body["results"]])
        address = body["next"]
    return pages


@pytest.fixture
def short_looks(monkeypatch):
    monkeypatch.setattr(reading, "LOOK_THROUGH", 4)


@pytest.mark.parametrize(
    "ordering",
    ["id", "-id", "created_at", "-created_at", "priority", "started_at", "-finished_at"],
)
@pytest.mark.parametrize("wanted", ["search=needle", "tag=red"])
def test_a_page_looks_at_so_many_tasks_and_the_next_goes_on(
    api, make_task, short_looks, ordering, wanted
):
    found = [
        make_task(prompt="a needle", tags=["red"]).pk if n in (1, 9) else make_task(prompt="hay").pk
        for n in range(11)
    ]
    pages = pages_of(api, f"/api/tasks/?{wanted}&ordering={ordering}")
    assert len(pages) == 3  # 4 and 4 and 3 tasks were looked at
    expected = [found[1], found[9]]
    seen = [pk for page in pages for pk in page]
    assert seen == (expected[::-1] if ordering.startswith("-") else expected)


@pytest.mark.parametrize("ordering", ["finished_at", "-finished_at"])
def test_a_search_in_an_order_that_not_all_have_a_place_in_looks_at_so_many_of_each_kind(
    api, make_task, short_looks, ordering
):
    ended = {"finished_at": timezone.now()}
    with_value = [make_task(prompt=f"needle {n % 5}", set_to=ended).pk for n in range(6)]
    without = [make_task(prompt=f"needle {n % 5}").pk for n in range(6)]
    pages = pages_of(api, f"/api/tasks/?search=needle+0&ordering={ordering}")
    step = -1 if ordering.startswith("-") else 1
    expected = [pk for kind in (with_value, without) for pk in (kind[0], kind[5])[::step]]
    assert [pk for page in pages for pk in page] == expected
    assert [len(page) for page in pages] == [1, 2, 1]  # 4 looked at; 2 and then 4; 2


def test_the_way_back_through_empty_pages_finds_the_same(api, make_task, short_looks):
    make_task(prompt="a needle")
    for _ in range(9):
        make_task(prompt="hay")
    make_task(prompt="a needle")
    first = api.get("/api/tasks/?search=needle").json()
    second = api.get(first["next"]).json()
    assert (len(first["results"]), second["results"]) == (1, [])
    page = second
    while not page["results"]:
        page = api.get(page["previous"]).json()
    assert page["results"] == first["results"]


@pytest.mark.parametrize("ordering", ["finished_at", "-finished_at", "started_at", "-started_at"])
def test_rows_without_a_value_come_last_over_all_pages_and_back(api, make_task, ordering):
    field = ordering.removeprefix("-")
    now = timezone.now()
    with_value = [make_task(set_to={field: now + timedelta(seconds=n // 2)}).pk for n in range(5)]
    without = [make_task().pk for _ in range(4)]
    step = -1 if ordering.startswith("-") else 1
    expected = with_value[::step] + without[::step]
    address = f"/api/tasks/?ordering={ordering}&limit=3"
    assert [pk for page in pages_of(api, address) for pk in page] == expected
    page = api.get(api.get(api.get(address).json()["next"]).json()["next"]).json()
    backward = []
    while page["previous"]:
        page = api.get(page["previous"]).json()
        backward = [row["id"] for row in page["results"]] + backward
    assert backward == expected[:6]


@pytest.fixture
def staff(owner):
    owner.is_staff = True
    owner.save()


def _plan_of(api, query):
    """How SQLite reads the page: the steps of the last query that asks for one."""
    with CaptureQueriesContext(connection) as captured:
        assert api.get(f"/api/tasks/?{query}").status_code == 200
    page = [one["sql"] for one in captured.captured_queries if "LIMIT 51" in one["sql"]][-1]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {page}")
        return [row[3] for row in cursor.fetchall()]


only_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL plans by what it has counted"
)


@only_sqlite
@pytest.mark.parametrize(
    ("query", "plan"),
    [
        ("ordering=-priority", "USING INDEX task_priority_id"),
        ("status=FAILED&ordering=-finished_at", "USING INDEX task_finished"),
        ("status=FAILED&status=CANCELLED", "USING INDEX task_status_id"),
        ("error_code=timeout", "USING INDEX task_trouble"),
        ("truncated=true", "USING INDEX task_truncated"),
        ("result_source=mock", "USING INDEX task_odd_source"),
        ("model=gpt-6-luna", "USING INDEX task_model_id"),
    ],
)
def test_many_rows_are_read_in_their_order_and_never_sorted(
    api, make_task, staff, monkeypatch, query, plan
):
    monkeypatch.setattr(reading, "_FEW", 0)
    monkeypatch.setattr(reading, "WALK", 1)
    for code in ("", "timeout"):
        set_to = {"status": "FAILED", "finished_at": timezone.now(), "error_code": code}
        make_task(set_to=set_to)
    steps = _plan_of(api, query)
    assert plan in steps[0]
    assert not any("ORDER BY" in step for step in steps)


@only_sqlite
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("ordering=priority", "COVERING INDEX task_owner_id"),
        ("priority=3&ordering=-created_at", "COVERING INDEX task_owner_id"),
        ("created_after=2020-01-01T00:00:00Z", "COVERING INDEX task_owner_id"),
        ("error_code=timeout&ordering=priority", "INDEX task_trouble"),
        ("batch=7&ordering=-priority", "COVERING INDEX task_batch"),
        ("batch=7&ordering=-created_at&priority=3", "COVERING INDEX task_batch"),
        ("batch=7&status=FAILED", "INDEX task_batch_progress"),
        ("result_source=mock&ordering=-priority", "COVERING INDEX task_odd_source"),
        ("truncated=true&ordering=-priority", "INDEX task_truncated"),
        ("status=COMPLETED&priority=3", "INDEX task_owner_status_id"),
        ("provider=openai", "INDEX task_owner_id"),
    ],
)
def test_what_an_owner_has_is_found_by_the_filter_when_the_order_does_not_show_it(
    api, make_task, monkeypatch, query, index
):
    monkeypatch.setattr(reading, "WALK", 1)
    for _ in range(3):
        make_task()
    assert any(index in step for step in _plan_of(api, query))


@only_sqlite
@pytest.mark.parametrize("ordering", ["", "&ordering=id", "&ordering=-finished_at"])
def test_a_short_time_is_looked_through_by_that_time(api, make_task, staff, monkeypatch, ordering):
    monkeypatch.setattr(reading, "WALK", 1)
    for _ in range(3):
        make_task(set_to={"finished_at": timezone.now()})
    steps = _plan_of(api, f"status=FAILED&created_after=2020-01-01T00:00:00Z{ordering}")
    assert any("INDEX task_created" in step for step in steps)


def test_a_page_that_looks_through_a_part_asks_for_it_once(
    api, make_task, short_looks, monkeypatch
):
    monkeypatch.setattr(reading, "WALK", 1)
    for _ in range(9):
        make_task()
    with CaptureQueriesContext(connection) as captured:
        api.get("/api/tasks/?search=needle&ordering=-priority")
    searches = [one["sql"] for one in captured.captured_queries if "needle" in one["sql"]]
    assert len(searches) == 1


@only_sqlite
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("status=COMPLETED&priority=3", "INDEX task_owner_id"),
        ("batch=7&status=COMPLETED", "INDEX task_batch "),
    ],
)
def test_many_rows_of_one_state_are_found_by_the_other_filter(
    api, make_task, monkeypatch, query, index
):
    monkeypatch.setattr(reading, "_FEW", 0)
    task = make_task(set_to={"status": "COMPLETED"})
    task.batch = Batch.objects.create(pk=7, owner=task.owner, total=1)
    task.save()
    assert any(index in step for step in _plan_of(api, query))


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("is_staff", [True, False])
@pytest.mark.parametrize(
    "ordering", ["id", "-id", "created_at", "-updated_at", "priority", "-priority", "-finished_at"]
)
@pytest.mark.parametrize(
    "wanted",
    ["", "model=b", "status=FAILED&status=PENDING", "error_code=x", "status=FAILED&model=b"],
)
def test_each_way_of_reading_finds_the_same_pages(
    api, owner, make_task, monkeypatch, few, is_staff, ordering, wanted
):
    monkeypatch.setattr(reading, "_FEW", few)
    monkeypatch.setattr(reading, "WALK", 3)
    owner.is_staff = is_staff
    owner.save()
    now = timezone.now()
    for n in range(17):
        ended = {"status": "FAILED", "error_code": "xy"[n % 2], "finished_at": now}
        set_to = {"model": "ab"[n % 5 == 0]} | (ended if n % 4 else {})
        make_task(prompt=str(n), priority=1 + n * 7 % 10, set_to=set_to)
    rows = {task.pk: task for task in Task.objects.all()}
    fits = {
        "": lambda task: True,
        "model=b": lambda task: task.model == "b",
        "status=FAILED&status=PENDING": lambda task: True,
        "error_code=x": lambda task: task.error_code == "x",
        "status=FAILED&model=b": lambda task: (task.status, task.model) == ("FAILED", "b"),
    }[wanted]
    field = ordering.removeprefix("-")
    is_falling = ordering.startswith("-")
    with_value = [t for t in rows.values() if fits(t) and getattr(t, field) is not None]
    without = [t for t in rows.values() if fits(t) and getattr(t, field) is None]
    expected = sorted(with_value, key=lambda t: (getattr(t, field), t.pk), reverse=is_falling)
    expected += sorted(without, key=lambda t: t.pk, reverse=is_falling)
    found = pages_of(api, f"/api/tasks/?{wanted}&ordering={ordering}&limit=4")
    assert [pk for page in found for pk in page] == [task.pk for task in expected]
