"""Submits one task after another through the service, with pauses, and says when each committed."""

from __future__ import annotations

import random
import time

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import transaction  # noqa: E402

from bench.probes.conversation import serve  # noqa: E402
from tasks.services.submit import submit  # noqa: E402

_PAUSE_S = (0.02, 0.12)


def pick_up(count: int) -> dict[str, float]:
    """Prompt → CLOCK_MONOTONIC just after its commit."""
    owner = get_user_model().objects.get(username="admin")
    committed: dict[str, float] = {}
    for number in range(count):
        prompt = f"pickup {number}"
        with transaction.atomic():
            transaction.on_commit(lambda p=prompt: committed.setdefault(p, time.monotonic()))
            submit(owner, {"prompt": prompt, "provider": "openai"})
        time.sleep(random.uniform(*_PAUSE_S))
    return committed


if __name__ == "__main__":
    serve(pick_up)
