"""What a task does, in every peer: ask the provider, write the answer into the task's row."""

from __future__ import annotations

import os
import threading
from functools import cache

import requests
from psycopg_pool import ConnectionPool

DATABASE_URL = os.environ.get("BENCH_DATABASE_URL", "")
PROVIDER_URL = os.environ.get("BENCH_PROVIDER_URL", "") + "/chat/completions"
MOST_CONNECTIONS = 16
STORE = "UPDATE bench_task SET result = %s, finished_at = clock_timestamp() WHERE id = %s"

_local = threading.local()
_lock = threading.Lock()


def answer(task_id: int, prompt: str) -> None:
    """One provider call, its text stored."""
    reply = _session().post(PROVIDER_URL, json=body_of(prompt), timeout=60)
    reply.raise_for_status()
    store(task_id, text_of(reply.json()))


def skip(task_id: int, prompt: str) -> None:
    """No call; the row is written all the same."""
    store(task_id, f"none: {prompt}")


def body_of(prompt: str) -> dict[str, object]:
    return {"model": "gpt-6-luna", "messages": [{"role": "user", "content": prompt}]}


def text_of(reply: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    return reply["choices"][0]["message"]["content"]


def store(task_id: int, text: str) -> None:
    with _lock:
        pool = _pool()
    with pool.connection() as connection:
        connection.execute(STORE, (text, task_id))


@cache
def _pool() -> ConnectionPool:
    """One for each process, made after its fork."""
    return ConnectionPool(
        DATABASE_URL, min_size=1, max_size=MOST_CONNECTIONS, timeout=60, open=True,
        kwargs={"autocommit": True},
    )  # fmt: skip


def _session() -> requests.Session:
    """One for each thread: a kept connection, as the project's own client has."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    session: requests.Session = _local.session
    return session
