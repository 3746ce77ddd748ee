from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.models import Task


def _ids(page):
    return [task["task_id"] for task in page["tasks"]]


def test_a_page_counts_itself_and_all_that_match(open_desk, owner, make_task, era):
    tasks = [make_task() for _ in range(5)]
    page = open_desk(owner, mode=era).ask("list_tasks", limit=2, offset=1)
    assert _ids(page) == [tasks[3].pk, tasks[2].pk]
    assert (page["count"], page["total"], page["limit"], page["offset"]) == (2, 5, 2, 1)


def test_without_arguments_the_ten_newest_come(desk, make_task):
    tasks = [make_task() for _ in range(11)]
    page = desk.ask("list_tasks")
    assert _ids(page) == [task.pk for task in reversed(tasks[1:])]
    assert (page["count"], page["total"], page["limit"], page["offset"]) == (10, 11, 10, 0)


def test_previews_are_at_most_a_hundred_characters(desk, make_task):
    make_task("COMPLETED", prompt="ä" * 300, result="ö" * 100)
    make_task(prompt="p" * 101)
    long, short = desk.ask("list_tasks")["tasks"]
    assert (long["prompt_preview"], long["result_preview"]) == ("p" * 99 + "…", None)
    assert (short["prompt_preview"], short["result_preview"]) == ("ä" * 99 + "…", "ö" * 100)


def test_filters_narrow_the_list(desk, make_task):
    wanted = make_task("FAILED", provider="openai", tags=["x"], prompt="find me here")
    make_task(provider="openai", tags=["x"], prompt="find me here")
    make_task("FAILED", tags=["xy"], prompt="find nothing")
    for filters in (
        {"status": "FAILED", "provider": "openai"},
        {"status": "FAILED", "tag": "x"},
        {"status": "FAILED", "search": "ME find"},
    ):
        assert _ids(desk.ask("list_tasks", **filters)) == [wanted.pk]


def test_created_after_leaves_older_tasks_out(desk, make_task):
    old, new = make_task(), make_task()
    Task.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=2))
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    assert _ids(desk.ask("list_tasks", created_after=since)) == [new.pk]


def test_nobody_sees_or_counts_what_is_not_theirs(open_desk, stranger, make_task):
    make_task()
    page = open_desk(stranger).ask("list_tasks")
    assert (page["tasks"], page["count"], page["total"]) == ([], 0, 0)


def test_null_means_not_given(desk, make_task):
    make_task()
    nothing = dict.fromkeys(("status", "limit", "offset", "provider", "tag", "search"))
    assert desk.ask("list_tasks", **nothing)["total"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", 0), ("limit", 101), ("limit", "5"), ("limit", True), ("limit", 2**70),
        ("limit", 1.5), ("offset", -1), ("offset", 2**70), ("offset", "0"), ("offset", False),
        ("status", "secret-input"), ("status", "pending"), ("status", 7), ("status", ["PENDING"]),
        ("provider", "secret-input"), ("tag", ""), ("tag", "x" * 51), ("tag", 7),
        ("tag", "\ud800"), ("search", "x" * 201), ("search", "\x00"), ("search", {}),
        ("created_after", "secret-input"), ("created_after", 0), ("surprise", 1),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused_by_name(desk, field, value):
    code, message = desk.refusal("list_tasks", **{field: value})
    assert code == "VALIDATION_ERROR"
    assert field in message
    assert "secret-input" not in message
