"""Lists of many tasks: pages that look through a part, and rows without a value."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.api import reading, shelves


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
    monkeypatch.setattr(shelves, "FEW", 0)
    monkeypatch.setattr(shelves, "FEW_IN_TIME", 0)


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
    assert (
        max(len(page) for page in pages) < 4
    )  # a page looks at 4, or at the 2 that are left and 4


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
