"""dramatiq: 2 processes of 128 threads over Redis."""

from __future__ import annotations

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers import job

broker = RedisBroker(url=os.environ.get("BENCH_REDIS_URL", "redis://"))
dramatiq.set_broker(broker)


@dramatiq.actor
def answer(task_id: int, prompt: str) -> None:
    job.answer(task_id, prompt)


@dramatiq.actor
def skip(task_id: int, prompt: str) -> None:
    job.skip(task_id, prompt)


def enqueue(name: str, jobs: list[tuple[int, str]]) -> float:
    """CLOCK_MONOTONIC when the first was sent."""
    actor, sent_at = {"answer": answer, "skip": skip}[name], 0.0
    for one in jobs:
        actor.send(*one)
        sent_at = sent_at or time.monotonic()
    return sent_at
