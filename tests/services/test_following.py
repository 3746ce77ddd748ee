"""Waiting for the end of a task: many who wait cost few looks, and each hears of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, connections

from tasks.models import Task
from tasks.services import following
from tasks.services.following import wait_until_terminal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def looks(monkeypatch) -> list[list[int]]:
    """The keys of each look that was taken."""
    taken: list[list[int]] = []
    look = following._look

    async def counted(keys):
        taken.append(keys)
        return await look(keys)

    monkeypatch.setattr(following, "_look", counted)
    return taken


def run(scene):
    """The scene on a fresh event loop, whose connections are closed."""

    async def staged():
        try:
            return await asyncio.wait_for(scene(), 30)
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(staged())


@sync_to_async
def _end(task):
    Task.objects.filter(pk=task.pk).update(status="COMPLETED")
    connection.close()


def test_fifty_waiters_share_their_looks(make_task, looks):
    keys = [make_task().pk for _ in range(50)]

    async def scene():
        return await asyncio.gather(*(wait_until_terminal(key, 1.0) for key in keys))

    assert run(scene) == [False] * 50
    assert max(map(len, looks)) == 50
    assert len(looks) < 50  # each for itself, they would take nine apiece


def test_each_waiter_hears_of_its_own_task_alone(make_task):
    ends, stays = make_task(), make_task()

    async def scene():
        waiters = [wait_until_terminal(task.pk, 2.0) for task in (ends, ends, stays)]
        return await asyncio.gather(*waiters, _end(ends))

    assert run(scene)[:3] == [True, True, False]


def test_who_shares_the_look_of_a_waiter_that_leaves_looks_on(make_task, looks):
    task = make_task()

    async def scene():
        first = asyncio.create_task(wait_until_terminal(task.pk, 20))
        second = asyncio.create_task(wait_until_terminal(task.pk, 20))
        await asyncio.sleep(0)
        first.cancel()  # before the look that both would share
        with suppress(asyncio.CancelledError):
            await first
        await _end(task)
        return await second

    assert run(scene) is True
    assert looks


def test_one_look_that_fails_is_the_answer_to_all_who_share_it(make_task, monkeypatch):
    keys = [make_task().pk for _ in range(20)]
    failed = []

    async def fail(asked):
        failed.append(asked)
        raise OperationalError("the database is away")

    monkeypatch.setattr(following, "_look", fail)

    async def scene():
        waiters = [wait_until_terminal(key, 5.0) for key in keys]
        return await asyncio.gather(*waiters, return_exceptions=True)

    assert [type(told) for told in run(scene)] == [OperationalError] * 20
    assert len(failed) == 1
