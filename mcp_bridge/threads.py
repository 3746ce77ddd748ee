"""Threads for the database, each with a connection that it keeps: to open one for each call would
cost more than most calls do.

They are daemons: a database that hangs must not keep a server from leaving.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from mcp_bridge.connections import close_connection, keep_connection

Result = TypeVar("Result")
Job = Callable[[], None]

AT_ONCE = 12  # of the 16 connections that a web process pools: the pages keep some
_IDLE_S = 60.0  # then the connection is given up, until there is something to do
_GOODBYE_S = 0.3


class DatabaseThreads:
    """At most `most` threads, each started when all others are busy."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()

    async def run(self, function: Callable[[], Result]) -> Result:
        """`function` on one of the threads. A caller who hangs up does not wait for it to end."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        context = contextvars.copy_context()

        def job() -> None:
            result, fault = None, None
            try:
                result = context.run(function)
            except BaseException as raised:  # noqa: BLE001 - whoever waits gets it
                fault = raised
            with self._lock:
                self._idle += 1  # before the answer, which may bring the next job at once
            _tell(loop, answer, fault, result)

        self._submit(job)
        return await answer

    def end(self) -> None:
        """Close the connections, as far as their threads are not busy just now."""
        with self._lock:
            threads, self._threads, self._idle = self._threads, [], 0
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(_GOODBYE_S)

    def _submit(self, job: Job) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name="mcp-database", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        keep_connection()
        while (job := self._next_job()) is not None:
            job()
        close_connection()

    def _next_job(self) -> Job | None:
        try:
            return self._jobs.get(timeout=_IDLE_S)
        except queue.Empty:
            close_connection()
            return self._jobs.get()


def _tell(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[Any],
    fault: BaseException | None,
    result: Any,
) -> None:
    def tell() -> None:
        if answer.done():  # nobody waits any more
            return
        if fault is None:
            answer.set_result(result)
        else:
            answer.set_exception(fault)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the loop is closed: the server has left
        return
