"""Calls in threads that keep their connections."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.db import connection

from mcp_bridge import database
from mcp_bridge.database import on_thread
from mcp_bridge.threads import DatabaseThreads


def _connection_of_thread():
    connection.ensure_connection()
    return id(connection.connection), threading.current_thread().name


def test_calls_one_after_the_other_share_a_thread_and_its_connection(transactional_db, monkeypatch):
    monkeypatch.setattr(database, "threads", DatabaseThreads(3))

    async def look():
        return {await on_thread(_connection_of_thread) for _ in range(5)}

    seen = asyncio.run(look())
    assert len(seen) == 1 or connection.settings_dict["OPTIONS"].get("pool")
    assert {name for _, name in seen} == {"mcp-database"}


def test_calls_at_once_have_threads_of_their_own_up_to_the_most():
    threads = DatabaseThreads(3)
    meeting = threading.Barrier(3, timeout=5)

    async def meet():
        return await asyncio.gather(*(threads.run(meeting.wait) for _ in range(6)))

    assert sorted(asyncio.run(meet())) == [0, 0, 1, 1, 2, 2]
    threads.end()


def test_a_fault_reaches_who_asked_and_the_thread_lives_on():
    threads = DatabaseThreads(1)

    async def fail_and_go_on():
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        return await threads.run(lambda: "fine")

    assert asyncio.run(fail_and_go_on()) == "fine"
    threads.end()


def test_who_hangs_up_does_not_wait_and_spoils_nothing_for_others():
    threads = DatabaseThreads(2)
    gate = threading.Event()

    async def hang_up():
        waiting = asyncio.create_task(threads.run(lambda: gate.wait(10)))
        await asyncio.sleep(0)
        started = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        answer = await threads.run(lambda: "fine")
        gate.set()
        return answer, time.monotonic() - started

    answer, spent_s = asyncio.run(hang_up())
    assert answer == "fine"
    assert spent_s < 5
    threads.end()
