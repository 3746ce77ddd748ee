from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from tasks.models import Task


def _complete(task):
    Task.objects.filter(pk=task.pk).update(
        status="COMPLETED", result="hi", result_source="mock", started_at=timezone.now(),
        finished_at=timezone.now(),
    )  # fmt: skip
    connection.close()


def test_it_returns_the_answer_as_soon_as_there_is_one(open_desk, owner, make_task, era):
    task = make_task()
    timer = threading.Timer(0.3, _complete, [task])
    timer.start()
    started = time.monotonic()
    answer = open_desk(owner, mode=era).ask("wait_for_task", task_id=task.pk, timeout_seconds=20)
    timer.join()
    assert time.monotonic() - started < 5
    assert (answer["task_id"], answer["result"], answer["result_source"]) == (task.pk, "hi", "mock")


def test_after_the_timeout_it_returns_the_state(desk, make_task):
    task = make_task("PROCESSING", started_at=timezone.now())
    started = time.monotonic()
    answer = desk.ask("wait_for_task", task_id=task.pk, timeout_seconds=0.5)
    assert 0.4 < time.monotonic() - started < 5
    assert (answer["task"]["task_id"], answer["task"]["status"]) == (task.pk, "PROCESSING")


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_an_end_without_an_answer_is_a_state_not_an_error(desk, make_task, status):
    task = make_task(status)
    assert desk.ask("wait_for_task", task_id=task.pk)["task"]["status"] == status


def test_zero_seconds_is_one_look(desk, make_task):
    task = make_task()
    assert desk.ask("wait_for_task", task_id=task.pk, timeout_seconds=0)["task"]["status"] == (
        "PENDING"
    )  # fmt: skip


def test_progress_grows_and_tells_the_state(open_desk, owner, make_task, era):
    task = make_task("PROCESSING")
    heard = []

    async def wait(client):
        async def on_progress(progress, total, message):
            heard.append((progress, total, message))

        arguments = {"task_id": task.pk, "timeout_seconds": 1.3}
        result = await client.call_tool("wait_for_task", arguments, progress_callback=on_progress)
        await asyncio.sleep(0.05)  # the last notification may trail the answer
        return result

    open_desk(owner, mode=era).do(wait)
    assert len(heard) >= 2
    assert [step[0] for step in heard] == sorted({step[0] for step in heard})
    assert {step[1] for step in heard} == {1.3}
    assert all("PROCESSING" in step[2] for step in heard)


def test_many_waiters_share_the_time(desk, make_task):
    tasks = [make_task() for _ in range(30)]

    async def wait_for_all(client):
        calls = [
            client.call_tool("wait_for_task", {"task_id": task.pk, "timeout_seconds": 1})
            for task in tasks
        ]
        return await asyncio.gather(*calls)

    started = time.monotonic()
    answers = desk.do(wait_for_all)
    assert time.monotonic() - started < 6
    seen = [json.loads(answer.content[0].text)["task"]["task_id"] for answer in answers]
    assert seen == [task.pk for task in tasks]


@pytest.mark.parametrize("value", [-1, 46, "5", True, 2**2000, [], {}])
def test_a_bad_timeout_is_refused(desk, make_task, value):
    code, message = desk.refusal("wait_for_task", task_id=make_task().pk, timeout_seconds=value)
    assert (code, "timeout_seconds" in message) == ("VALIDATION_ERROR", True)
