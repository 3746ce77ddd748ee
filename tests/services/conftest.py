"""Tasks in any state, made by the front door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.models import Task
from tasks.services import submit


@pytest.fixture
def make_task(owner) -> Callable[..., Task]:
    """A task of the owner by the front door, then put into any state."""

    def make(user: Any = None, *, set_to: dict[str, Any] | None = None, **fields: Any) -> Task:
        task = submit(user or owner, {"prompt": "hello", **fields}).task
        if set_to:
            Task.objects.filter(pk=task.pk).update(**set_to)
            task.refresh_from_db()
        return task

    return make
