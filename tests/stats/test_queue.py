from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tasks.stats.queue import get_outlook, queue_position


def test_the_line_is_by_priority_and_then_by_age(make_task):
    first, second = make_task("PENDING"), make_task("PENDING")
    urgent, low = make_task("PENDING", priority=9), make_task("PENDING", priority=1)
    places = [get_outlook(task).queue_position for task in (urgent, first, second, low)]
    assert places == [1, 2, 3, 4]


def test_a_place_is_found_without_a_look_at_those_behind(make_task, django_assert_num_queries):
    """Both parts of the line, those of a higher rank and the older ones, are found by the index."""
    task = make_task("PENDING")
    with django_assert_num_queries(1) as asked:
        assert queue_position(task) == 1
    prefix, found = "EXPLAIN QUERY PLAN", "SEARCH tasks_task USING INDEX task_due"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            prefix, found = "EXPLAIN", "Index Cond"
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is too small for its index
        cursor.execute(f"{prefix} {asked.captured_queries[0]['sql']}")
        plan = "\n".join(str(line) for line in cursor.fetchall())
    assert plan.count(found) == 2, plan


def test_waiting_running_and_ended_tasks_stand_in_no_line(make_task):
    later = timezone.now() + timedelta(hours=1)
    make_task("PENDING", wake_at=later)
    due = make_task("PENDING")
    assert get_outlook(due).queue_position == 1
    for task in (make_task("PENDING", wake_at=later), make_task("PROCESSING"), make_task("FAILED")):
        assert get_outlook(task).queue_position is None


def test_without_recent_runs_or_workers_nobody_can_tell(make_task, make_worker):
    task = make_task("PENDING")
    make_worker("alive")
    make_task(ago=7200, run=5)
    make_task(ago=1, run=5, provider="openai")
    make_task(ago=1, run=5, result_source="cache")
    assert get_outlook(task).estimated_seconds_left is None


def test_a_line_longer_than_the_slots_takes_several_rounds(make_task, make_worker):
    for run in (1, 2, 9):
        make_task(run=run)
    line = [make_task("PENDING") for _ in range(5)]
    assert get_outlook(line[0]).estimated_seconds_left is None
    make_worker("alive", slots=2)
    make_worker("silent", slots=64, beat_ago=3600)
    assert [get_outlook(task).estimated_seconds_left for task in line] == [2, 2, 4, 4, 6]


def test_a_scheduled_task_takes_until_its_moment_and_then_a_run(make_task):
    make_task(run=3)
    task = make_task("PENDING", wake_at=timezone.now() + timedelta(seconds=100))
    assert get_outlook(task).estimated_seconds_left == pytest.approx(103, abs=2)


def test_a_running_task_is_compared_with_runs_that_took_longer(make_task):
    for run in (1, 2, 30, 40, 50):
        make_task(run=run)
    since = timezone.now() - timedelta(seconds=10)
    running = make_task("PROCESSING", started_at=since)
    assert get_outlook(running).estimated_seconds_left == pytest.approx(30, abs=2)
    longest = make_task("PROCESSING", started_at=timezone.now() - timedelta(seconds=60))
    assert get_outlook(longest).estimated_seconds_left is None


def test_an_ended_task_needs_no_look_at_the_database(make_task, django_assert_num_queries):
    task = make_task("COMPLETED")
    with django_assert_num_queries(0):
        assert get_outlook(task).estimated_seconds_left is None
