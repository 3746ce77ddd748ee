"""Many submits as one: all of them become tasks, or none does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tasks.engine.outbox import record
from tasks.engine.wakeup import hint
from tasks.models import Task
from tasks.services.submission import validate_submission
from tasks.services.submit import build_task
from tasks.vocabulary import EventType

_ROWS_A_STATEMENT = 500


def check_submit(owner: AbstractBaseUser, data: object) -> None:
    """Raises InvalidInput as `submit` would; nothing is written."""
    build_task(owner, validate_submission(data))


@transaction.atomic
def submit_all(owner: AbstractBaseUser, requests: Iterable[object]) -> int:
    """How many PENDING tasks of `owner` were made, in the order of `requests`.

    A bad one raises InvalidInput and undoes all; ask `check_submit` first to tell them apart.
    """
    total = 0
    tasks = (build_task(owner, validate_submission(data)) for data in requests)
    while rows := list(islice(tasks, _ROWS_A_STATEMENT)):
        Task.objects.bulk_create(rows)
        record((EventType.SUBMITTED, task.pk, task.owner_id) for task in rows)
        total += len(rows)
    hint()
    return total
