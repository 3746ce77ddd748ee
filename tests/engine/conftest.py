"""Tasks as the engine meets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from model_bakery import baker

from tasks.models import Task
from tests.engine.calling import configure


@pytest.fixture
def make_task(owner) -> Callable[..., Task]:
    """A due PENDING task for the mock; keyword arguments override its fields."""

    def make(**fields) -> Task:
        defaults = {"provider": "mock", "model": "mock-1", "prompt": "hello", "max_attempts": 3}
        return baker.make(Task, owner=owner, **(defaults | fields))

    return make


@pytest.fixture
def openai_alone(settings) -> None:
    """No other provider is configured."""
    configure(settings, "openai")


@pytest.fixture
def ask(make_task) -> Callable[..., Task]:
    """A due PENDING task for OpenAI."""

    def make(**fields) -> Task:
        return make_task(provider="openai", model="gpt-6-luna", max_attempts=5, **fields)

    return make
