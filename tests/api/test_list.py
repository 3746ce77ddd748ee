"""GET /api/tasks/: pages, orderings, filters."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.utils import timezone

from tasks.models import Task
from tests.api.conftest import error_of
from tests.api.test_submit import FIELDS

TASKS = "/api/tasks/"


def ids(response):
    assert response.status_code == 200, response.content
    return [task["id"] for task in response.json()["results"]]


def walk(api, address, step="next"):
    """The ids of each page, following `step` to its end."""
    pages = []
    while address:
        body = api.get(address).json()
        pages.append([task["id"] for task in body["results"]])
        address = body[step]
    return pages


def test_a_page_has_next_previous_and_results_newest_first(api, make_task):
    made = [make_task().pk for _ in range(3)]
    body = api.get(TASKS).json()
    assert list(body) == ["next", "previous", "results"]
    assert [task["id"] for task in body["results"]] == made[::-1]
    assert set(body["results"][0]) == FIELDS
    assert body["next"] is body["previous"] is None


def test_pages_hold_fifty_tasks_unless_told(api, make_task, owner):
    for _ in range(51):
        make_task()
    assert [len(page) for page in walk(api, TASKS)] == [50, 1]
    assert [len(page) for page in walk(api, f"{TASKS}?limit=20")] == [20, 20, 11]


def test_pages_are_stable_while_tasks_come_and_go(api, make_task):
    old = [make_task().pk for _ in range(6)]
    first = api.get(f"{TASKS}?limit=2").json()
    make_task()  # would shift an offset by one
    Task.objects.filter(pk=old[5]).delete()
    assert walk(api, first["next"]) == [[old[3], old[2]], [old[1], old[0]]]


def test_the_way_back_is_the_way_there(api, make_task):
    made = [make_task().pk for _ in range(7)][::-1]
    there = walk(api, f"{TASKS}?limit=3")
    assert there == [made[:3], made[3:6], made[6:]]
    last = f"{TASKS}?limit=3"
    while following := api.get(last).json()["next"]:
        last = following
    assert walk(api, last, "previous") == [made[6:], made[3:6], made[:3]]


@pytest.mark.parametrize("field", ["id", "created_at", "updated_at", "priority", "started_at",
                                   "finished_at"])  # fmt: skip
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_every_ordering_shows_every_task_once_in_order_both_ways(
    api, make_task, field, sign, limit
):
    now = timezone.now().replace(microsecond=123456)
    moments = [None, now, now, now - timedelta(hours=1), None, now + timedelta(microseconds=1)]
    for number, moment in enumerate(moments):
        set_to = {"finished_at": moment, "started_at": moment, "updated_at": moment or now,
                  "created_at": moment or now}  # fmt: skip
        make_task(priority=1 + number % 3, set_to=set_to)

    known = [(getattr(task, field), task.pk) for task in Task.objects.all()]
    blank = sorted((pk for value, pk in known if value is None), reverse=bool(sign))
    filled = sorted((pair for pair in known if pair[0] is not None), reverse=bool(sign))
    expected = [pk for _, pk in filled] + blank

    address = f"{TASKS}?ordering={sign}{field}&limit={limit}"
    there = walk(api, address)
    assert [pk for page in there for pk in page] == expected
    while following := api.get(address).json()["next"]:
        address = following
    assert walk(api, address, "previous") == there[::-1]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("asked", ["FAILED CANCELLED", "FAILED FAILED", "PENDING COMPLETED"])
def test_the_tasks_of_several_states_are_one_list_both_ways(api, make_task, sign, asked):
    for status in ["FAILED", "CANCELLED", "FAILED", "PENDING", "CANCELLED", "CANCELLED", "FAILED"]:
        make_task(set_to={"status": status})
    states = asked.split()
    keys = Task.objects.filter(status__in=states).values_list("pk", flat=True)

    query = urlencode([("status", state) for state in states])
    address = f"{TASKS}?{query}&ordering={sign}id&limit=2"
    there = walk(api, address)
    assert [pk for page in there for pk in page] == sorted(keys, reverse=bool(sign))
    while following := api.get(address).json()["next"]:
        address = following
    assert walk(api, address, "previous") == there[::-1]


def test_a_cursor_of_another_ordering_is_refused(api, make_task):
    make_task(), make_task()
    address = api.get(f"{TASKS}?limit=1").json()["next"]
    error = error_of(api.get(f"{address}&ordering=priority"), 400)
    assert error["fields"] == {"cursor": ["Belongs to another ordering."]}


def test_links_keep_the_filters(api, make_task):
    for number in range(4):
        make_task(tags=["odd" if number % 2 else "even"])
    pages = walk(api, f"{TASKS}?tag=odd&limit=1")
    assert [len(page) for page in pages] == [1, 1]


@pytest.fixture
def zoo(make_task):
    """One task of each kind that the filters tell apart."""
    return {
        "plain": make_task(prompt="The quick brown Fox").pk,
        "tagged": make_task(tags=["red", "blue"], custom_id="Order-77").pk,
        "urgent": make_task(priority=9, model="claude-haiku-5-5").pk,
        "failed": make_task(set_to={"status": "FAILED", "error_code": "timeout",
                                    "error_message": "too slow"}).pk,
        "cut": make_task(set_to={"status": "COMPLETED", "result": "…", "truncated": True,
                                 "result_source": "fallback"}).pk,
        "old": make_task(set_to={"created_at": "2020-05-05T05:05:05Z"}).pk,
    }  # fmt: skip


@pytest.mark.parametrize(("query", "names"), [
    ({"status": "FAILED"}, "failed"), ({"status": "COMPLETED"}, "cut"),
    ([("status", "FAILED"), ("status", "COMPLETED")], "failed cut"),
    ({"status": "CANCELLED"}, ""), ({"provider": "anthropic"}, "urgent"),
    ({"model": "claude-haiku-5-5"}, "urgent"), ({"priority": 9}, "urgent"),
    ({"priority__gte": 6}, "urgent"), ({"priority__lte": 4}, ""),
    ({"priority__gte": 5, "priority__lte": 8}, "plain tagged failed cut old"),
    ({"tag": "red"}, "tagged"), ({"tag": "re"}, ""), ({"tag": "red\", \"blue"}, ""),
    ({"tag": "') OR 1=1 --"}, ""), ({"tag": "%"}, ""),
    ({"error_code": "timeout"}, "failed"), ({"truncated": "true"}, "cut"),
    ({"truncated": "false"}, "plain tagged urgent failed old"),
    ({"result_source": "fallback"}, "cut"), ({"search": "quick FOX"}, "plain"),
    ({"search": "order-77"}, "tagged"), ({"search": "%"}, ""), ({"search": "' OR 1=1"}, ""),
    ({"created_before": "2021-01-01T00:00:00Z"}, "old"),
    ({"created_before": "2020-05-05T05:05:05Z"}, ""),
    ({"created_after": "2020-05-05T05:05:05Z", "created_before": "2021-01-01"}, "old"),
    ({"created_after": "2020-05-05T07:05:05+02:00", "created_before": "2021-01-01"}, "old"),
    ({"created_after": "2020-05-04T09:05:05-20:00", "created_before": "2021-01-01"}, "old"),
    ({"created_after": "2021-01-01T00:00:00Z"}, "plain tagged urgent failed cut"),
])  # fmt: skip
def test_a_filter_selects_exactly_what_it_says(api, zoo, query, names):
    found = ids(api.get(f"{TASKS}?{urlencode(query)}"))
    assert set(found) == {zoo[name] for name in names.split()}


def test_a_tag_is_found_whatever_it_is_made_of(api, make_task):
    odd = [
        "é😀",
        "a\\b",
        'quote"',
        "{0.__class__}",
        "<script>",
        "'; DROP TABLE tasks_task; --",
        "0",
    ]
    for tag in odd:
        make_task(tags=[tag])
    for tag in odd:
        found = api.get(f"{TASKS}?tag={quote(tag)}").json()["results"]
        assert [task["tags"] for task in found] == [[tag]]


def test_a_failed_task_tells_its_error(api, zoo):
    (task,) = api.get(f"{TASKS}?status=FAILED").json()["results"]
    assert task["error"] == {"code": "timeout", "message": "too slow"}


def test_a_page_costs_the_same_few_queries_however_many_tasks(
    api, make_task, django_assert_max_num_queries
):
    for _ in range(30):
        make_task()
    with django_assert_max_num_queries(3):  # the key, its last use, the page
        assert len(ids(api.get(TASKS))) == 30
