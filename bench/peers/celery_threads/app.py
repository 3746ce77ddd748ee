"""Celery: one process of 256 threads over Redis, with the settings its guide gives long tasks."""

from __future__ import annotations

import os
import time

from celery import Celery

from bench.peers import job

app = Celery("bench", broker=os.environ.get("BENCH_REDIS_URL"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # at least once, as the others are
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="answer")
def answer(task_id: int, prompt: str) -> None:
    job.answer(task_id, prompt)


@app.task(name="skip")
def skip(task_id: int, prompt: str) -> None:
    job.skip(task_id, prompt)


def enqueue(name: str, jobs: list[tuple[int, str]]) -> float:
    """CLOCK_MONOTONIC when the first was sent."""
    task, sent_at = {"answer": answer, "skip": skip}[name], 0.0
    with app.producer_pool.acquire(block=True) as producer:
        for one in jobs:
            task.apply_async(one, producer=producer)
            sent_at = sent_at or time.monotonic()
    return sent_at
