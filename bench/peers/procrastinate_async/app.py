"""Procrastinate: asynchronous tasks, 256 at once, its queue in the same PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from functools import cache

import aiohttp
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

from bench.peers import job

app = App(
    connector=PsycopgConnector(conninfo=job.DATABASE_URL, max_size=job.MOST_CONNECTIONS),
    import_paths=["bench.peers.procrastinate_async.app"],
)


@app.task(name="answer")
async def answer(task_id: int, prompt: str) -> None:
    async with _session().post(job.PROVIDER_URL, json=job.body_of(prompt)) as reply:
        reply.raise_for_status()
        text = job.text_of(await reply.json())
    await _store(task_id, text)


@app.task(name="skip")
async def skip(task_id: int, prompt: str) -> None:
    await _store(task_id, f"none: {prompt}")


def enqueue(name: str, jobs: list[tuple[int, str]]) -> float:
    """CLOCK_MONOTONIC when all were committed: its batch is one transaction."""
    task = {"answer": answer, "skip": skip}[name]
    _open_for_good()
    task.batch_defer(*({"task_id": task_id, "prompt": prompt} for task_id, prompt in jobs))
    return time.monotonic()


async def _store(task_id: int, text: str) -> None:
    pool = _pool()
    async with _opening():
        await pool.open()
    async with pool.connection() as connection:
        await connection.execute(job.STORE, (text, task_id))


@cache
def _open_for_good() -> None:
    app.open()


@cache
def _pool() -> AsyncConnectionPool:
    return AsyncConnectionPool(
        job.DATABASE_URL, min_size=1, max_size=job.MOST_CONNECTIONS, timeout=60, open=False,
        kwargs={"autocommit": True},
    )  # fmt: skip


@cache
def _opening() -> asyncio.Lock:
    return asyncio.Lock()


@cache
def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))
