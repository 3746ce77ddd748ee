"""GET /api/tasks/{id}/wait/: answers when the task has ended, holding no thread meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient

from tasks.models import Task
from tests.api.conftest import client_of


@pytest.fixture
def authorization(owner) -> str:
    return client_of(owner)._credentials["HTTP_AUTHORIZATION"]


def end(task, **fields):
    Task.objects.filter(pk=task.pk).update(status="COMPLETED", result="done", **fields)
    connection.close()


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_an_ended_task_is_answered_at_once(api, make_task, status):
    task = make_task(set_to={"status": status})
    started = time.monotonic()
    response = api.get(f"/api/tasks/{task.pk}/wait/")
    assert time.monotonic() - started < 5  # the default is 30
    assert (response.status_code, response.json()["status"]) == (200, status)
    assert response.json() == api.get(f"/api/tasks/{task.pk}/").json()


def test_after_the_timeout_the_task_comes_as_it_is(api, make_task):
    started = time.monotonic()
    body = api.get(f"/api/tasks/{make_task().pk}/wait/?timeout=0.3").json()
    assert 0.3 <= time.monotonic() - started < 5
    assert body["status"] == "PENDING"


def test_a_browser_gets_a_page(owner, make_task, client):
    client.force_login(owner)
    address = f"/api/tasks/{make_task().pk}/wait/?timeout=0"
    response = client.get(address, headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert b"<html" in response.content


@pytest.mark.django_db(transaction=True)
def test_many_waiters_end_together_on_one_event_loop(make_task, authorization):
    """Forty waiters, none of which needs a thread or a connection of the others."""
    task = make_task()
    before = threading.active_count()
    peak = 0

    async def wait_once() -> tuple[str, float]:
        headers = {"authorization": authorization}
        response = await AsyncClient().get(
            f"/api/tasks/{task.pk}/wait/?timeout=30", headers=headers
        )
        return response.json()["status"], time.monotonic()

    async def run() -> list[tuple[str, float]]:
        nonlocal peak
        waiters = [asyncio.create_task(wait_once()) for _ in range(40)]
        for _ in range(20):
            await asyncio.sleep(0.05)
            peak = max(peak, threading.active_count() - before)
        await sync_to_async(end)(task)
        answers = await asyncio.gather(*waiters)
        await sync_to_async(connections.close_all)()
        return answers

    started = time.monotonic()
    answers = asyncio.run(run())
    assert {status for status, _ in answers} == {"COMPLETED"}
    assert max(moment for _, moment in answers) - started < 25  # and not their 30 s
    assert peak < 10


@pytest.mark.django_db(transaction=True)
def test_a_task_deleted_meanwhile_is_404(make_task, authorization):
    task = make_task()

    async def run() -> int:
        headers = {"authorization": authorization}
        waiting = asyncio.create_task(
            AsyncClient().get(f"/api/tasks/{task.pk}/wait/?timeout=20", headers=headers)
        )
        await asyncio.sleep(0)
        await sync_to_async(lambda: (Task.objects.all().delete(), connection.close()))()
        response = await waiting
        await sync_to_async(connections.close_all)()
        return response.status_code

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, run()).result(30) == 404
