"""Finished, waiting and running tasks to be counted, written straight into the tables."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from tasks.models import Attempt, Task, Worker


@pytest.fixture(autouse=True)
def _no_old_figures():
    cache.clear()


@pytest.fixture
def make_task(owner):
    """A task as the engine would have left it. Times are seconds: `ago` its end, `wait`, `run`."""

    def make(status="COMPLETED", *, ago=60.0, wait=0.0, run=1.0, tried="", **values):
        end = timezone.now() - timedelta(seconds=ago)
        start = end - timedelta(seconds=run)
        asked = {"owner": owner, "prompt": "hello", "provider": "deepseek", "model": "m"}
        values = asked | {"max_attempts": 5, "status": status} | values
        created_at = values.pop("created_at", start - timedelta(seconds=wait))
        if status in ("COMPLETED", "FAILED", "CANCELLED"):
            values = {"started_at": start, "finished_at": end} | values
        if status == "COMPLETED":
            served = {"served_provider": values["provider"], "served_model": "m"}
            values = {"result": "hi", "result_source": "provider"} | served | values
        if status == "FAILED":
            values = {"error_code": "timeout", "error_message": "took too long"} | values
        task = Task.objects.create(**values)
        Task.objects.filter(pk=task.pk).update(created_at=created_at)
        called = tried or (task.served_provider if task.result_source != "cache" else "")
        if called or status == "FAILED":
            made = {name: getattr(task, name) for name in ("cost_usd", "prompt_tokens",
                                                           "completion_tokens")}  # fmt: skip
            Attempt.objects.create(task=task, number=1, provider=called or task.provider, model="m",
                                   outcome="succeeded" if status == "COMPLETED" else "failed",
                                   lease_token=uuid.uuid4(), started_at=start, finished_at=end,
                                   **made)  # fmt: skip
        return task

    return make


@pytest.fixture
def make_worker(db):
    def make(name, *, slots=8, in_flight=0, beat_ago=0.0):
        now = timezone.now()
        return Worker.objects.create(
            name=name, host="host", pid=123, slots=slots, in_flight=in_flight, started_at=now,
            beat_at=now - timedelta(seconds=beat_ago),
        )  # fmt: skip

    return make
