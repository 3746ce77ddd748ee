"""Stock django-q2, enqueued with its `async_task`."""

from __future__ import annotations

import time

import django

django.setup()

from django_q.tasks import async_task  # noqa: E402


def enqueue(name: str, jobs: list[tuple[int, str]]) -> float:
    """CLOCK_MONOTONIC when the first was committed."""
    sent_at = 0.0
    for one in jobs:
        async_task(f"bench.peers.job.{name}", *one, save=False)
        sent_at = sent_at or time.monotonic()
    return sent_at
