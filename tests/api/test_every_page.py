"""Every filter in every order, by every way of reading: the pages are what plain sorting gives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from tasks.api import reading, shelves
from tasks.api.cursors import FIELDS, Ordering
from tasks.api.reading import read_page
from tasks.api.shelves import Wanted
from tasks.models import Batch, PromptTemplate, Task, TemplateVersion
from tasks.services.selection import select_tasks

STATES = ("COMPLETED", "FAILED", "PENDING", "CANCELLED", "PROCESSING")
ORDERINGS = [Ordering.parse(sign + field) for field in FIELDS for sign in ("", "-")]
WAYS = [(5_000, 5_000, 5_000), (0, 4, 5_000), (5, 7, 0)]  # FEW, WALK, MANY
NOW = timezone.now()
FITS = {
    "": lambda task: True,
    "status=FAILED": lambda task: task.status == "FAILED",
    "status=PENDING&status=COMPLETED": lambda task: task.status in ("PENDING", "COMPLETED"),
    "status=FAILED&model=b": lambda task: (task.status, task.model) == ("FAILED", "b"),
    "status=PENDING&status=FAILED&priority__lte=4": lambda task: (
        task.status in ("PENDING", "FAILED") and task.priority <= 4
    ),
    "provider=local&status=COMPLETED": lambda task: (
        task.provider == "local" and task.status == "COMPLETED"
    ),
    "provider=local&provider=mock": lambda task: task.provider in ("local", "mock"),
    "provider=anthropic": lambda task: False,
    "model=b": lambda task: task.model == "b",
    "priority__gte=5": lambda task: task.priority >= 5,
    "priority=3&tag=red": lambda task: task.priority == 3 and task.tags == ["red"],
    "tag=red": lambda task: task.tags == ["red"],
    "search=needle": lambda task: task.prompt == "needle",
    "search=needle&status=COMPLETED&status=PENDING": lambda task: (
        task.prompt == "needle" and task.status in ("COMPLETED", "PENDING")
    ),
    "batch=7": lambda task: task.batch_id == 7,
    "batch=7&status=COMPLETED": lambda task: task.batch_id == 7 and task.status == "COMPLETED",
    "batch=7&template=greet@2": lambda task: task.batch_id == 7 and task.template == "greet@2",
    "template=greet": lambda task: task.template is not None,
    "template=greet@1&model=a": lambda task: task.template == "greet@1" and task.model == "a",
    "error_code=timeout": lambda task: task.error_code == "timeout",
    "result_source=mock": lambda task: task.result_source == "mock",
    "truncated=true": lambda task: task.truncated,
    "truncated=false&batch=7": lambda task: task.batch_id == 7 and not task.truncated,
    "created_before={noon}": lambda task: task.created_at < NOW,
    "created_after={noon}&status=FAILED": lambda task: (
        task.created_at >= NOW and task.status == "FAILED"
    ),
}


@pytest.fixture
def zoo(make_task, owner, stranger):
    """Tasks with everything, many equal in what they are sorted by, of two owners."""
    template = PromptTemplate.objects.create(owner=owner, name="greet")
    versions = [
        TemplateVersion.objects.create(template=template, number=n, prompt="hello", variables=[])
        for n in (1, 2)
    ]
    batch = Batch.objects.create(pk=7, owner=owner, total=9)
    for n in range(37):
        status = STATES[n * 3 % 5 if n < 30 else n % 2]
        is_ended = status not in ("PENDING", "PROCESSING")
        is_failed = status == "FAILED"
        set_to = {
            "owner": stranger if n % 7 == 3 else owner,
            "status": status,
            "model": "ab"[n % 3 == 0],
            "provider": ("local", "mock", "openai")[n % 4 % 3],
            "tags": ["red"] if n % 4 == 1 else [],
            "batch": batch if n % 2 else None,
            "template_version": None if n % 3 == 1 else versions[n % 2],
            "error_code": ("timeout", "server_error")[n % 2] if is_failed else "",
            "result_source": ("mock", "provider")[n % 2] if status == "COMPLETED" else "",
            "truncated": status == "COMPLETED" and n % 3 == 0,
            "created_at": NOW + timedelta(seconds=n // 4 - 4),
            "updated_at": NOW + timedelta(seconds=n * 5 % 6),
            "started_at": None if n % 6 == 2 else NOW + timedelta(seconds=n * 3 % 8),
            "finished_at": NOW + timedelta(seconds=n * 7 % 5) if is_ended else None,
        }
        make_task(prompt="needle" if n % 5 == 2 else "hay", priority=1 + n * 7 % 6, set_to=set_to)
    return list(Task.objects.select_related("template_version__template"))


def _walk_through(rows, ordering, wanted):
    """The ids that pages of six give from the beginning to the end, and from there back again."""
    there, back = [], []
    place, last = None, None
    for _ in range(200):
        found, edge = read_page(rows, ordering, place, 7, wanted)
        there += [task.pk for task in found[:6]]
        if found:
            last = ordering.place_of(found[:6][-1], is_backward=True)
        if len(found) <= 6 and edge is None:
            break
        place = edge if len(found) <= 6 else ordering.place_of(found[5], is_backward=False)
    place = last
    for _ in range(200 if place else 0):
        found, edge = read_page(rows, ordering, place, 7, wanted)
        back += [task.pk for task in found[:6]]
        if len(found) <= 6 and edge is None:
            break
        place = edge if len(found) <= 6 else ordering.place_of(found[5], is_backward=True)
    return there, back[::-1]


@pytest.mark.parametrize("query", FITS)
@pytest.mark.parametrize("is_staff", [True, False])
@pytest.mark.parametrize("limits", WAYS)
def test_each_way_of_reading_finds_the_same_pages(owner, zoo, monkeypatch, query, is_staff, limits):
    few, walk, many = limits
    for room, name, value in (
        (shelves, "FEW", few), (shelves, "FEW_IN_TIME", few), (reading, "WALK", walk),
        (reading, "_FAR", walk), (reading, "BY_ID", walk), (reading, "LOOK_THROUGH", walk),
        (reading, "MANY", many),
    ):  # fmt: skip
        monkeypatch.setattr(room, name, value)
    owner.is_staff = is_staff
    criteria = QueryDict(query.format(noon=NOW.strftime("%Y-%m-%dT%H:%M:%S.%fZ")))
    expected_tasks = [
        task for task in zoo if FITS[query](task) and (is_staff or task.owner_id == owner.pk)
    ]
    # Each way has a third of the orders, by turns: with each filter every order is read by one way.
    turn = WAYS.index(limits) + list(FITS).index(query)
    for ordering in ORDERINGS[turn % 3 :: 3]:
        field, is_falling = ordering.field, ordering.is_descending
        valued = [task for task in expected_tasks if getattr(task, field) is not None]
        valued.sort(key=lambda task: (getattr(task, field), task.pk), reverse=is_falling)
        blank = [task for task in expected_tasks if getattr(task, field) is None]
        blank.sort(key=lambda task: task.pk, reverse=is_falling)
        expected = [task.pk for task in valued + blank]
        wanted = Wanted(criteria=criteria, owner_id=None if is_staff else owner.pk)
        there, back = _walk_through(select_tasks(owner, criteria), ordering, wanted)
        assert there == expected, str(ordering)
        assert back == expected[:-1], str(ordering)
