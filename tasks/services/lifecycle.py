"""What can be done to a task after its submit: cancel, retry, change, clone, delete.

Each move locks the row and judges the state that it finds then, so a worker that settles the task
at the same moment is either first (and the move is refused) or finds its lease gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tasks.engine.outbox import record
from tasks.engine.wakeup import hint
from tasks.errors import InvalidInput, InvalidState
from tasks.models import Task, TaskBlock
from tasks.querysets import database_now
from tasks.services.access import get_task
from tasks.services.audit import note
from tasks.services.moves import (
    CANCELLABLE,
    CHANGEABLE,
    RETRIABLE,
    close_attempts,
    fields_of_cancel,
    fields_of_retry,
    keep_schedule,
    reopen_batches,
)
from tasks.services.submission import SubmissionSerializer, flatten_errors
from tasks.services.submit import submit
from tasks.vocabulary import EventType

_CHANGEABLE_FIELDS = ("priority", "tags")
_CLONED = (
    "prompt", "provider", "model", "priority", "system", "max_tokens", "temperature", "tags",
    "metadata", "max_attempts", "failover",
)  # fmt: skip


@transaction.atomic
def cancel(user: AbstractBaseUser, task_id: object) -> Task:
    """CANCELLED, whether it waits or runs; the answer of a running call will change nothing.

    Raises:
        TaskNotFound, InvalidState: the task has ended already.
    """
    task = get_task(user, task_id, lock=True)
    if task.state not in CANCELLABLE:
        raise InvalidState(f"Task {task.pk} is {task.status} and cannot be cancelled any more.")
    now = database_now()
    if task.lease_token is not None:
        close_attempts({task.pk: task.lease_token}, now)
    _write(task, fields_of_cancel(now))
    record([(EventType.CANCELLED, task.pk, task.owner_id)])
    note("task.cancel", f"task {task.pk}", user=user)
    return task


@transaction.atomic
def retry(user: AbstractBaseUser, task_id: object) -> Task:
    """PENDING again, with a fresh count of attempts; its attempt log and its `run_after` go on.

    Raises:
        TaskNotFound, InvalidState: only FAILED and CANCELLED tasks can be retried.
    """
    task = get_task(user, task_id, lock=True)
    if task.state not in RETRIABLE:
        raise InvalidState(
            f"Task {task.pk} is {task.status}; only FAILED or CANCELLED tasks can be retried."
        )
    _write(task, fields_of_retry())
    keep_schedule([task.pk])
    task.refresh_from_db(fields=["wake_at", "waiting_reason"])
    reopen_batches([task.pk])
    record([(EventType.RETRIED, task.pk, task.owner_id)])
    note("task.retry", f"task {task.pk}", user=user)
    hint(1)
    return task


@transaction.atomic
def change(user: AbstractBaseUser, task_id: object, changes: object) -> Task:
    """Another priority or other tags for a PENDING task.

    Raises:
        TaskNotFound, InvalidInput, InvalidState: it is not PENDING any more.
    """
    fields = _validate_changes(changes)
    task = get_task(user, task_id, lock=True)
    if task.state not in CHANGEABLE:
        raise InvalidState(f"Task {task.pk} is {task.status}; only PENDING tasks can be changed.")
    _write(task, fields)
    note("task.change", f"task {task.pk}", user=user, **fields)
    hint(1)
    return task


def clone(user: AbstractBaseUser, task_id: object, changes: object = None) -> Task:
    """A new task of `user` with the same request, but for `changes` (fields of a submit).

    Raises:
        TaskNotFound, InvalidInput.
    """
    if changes is not None and not isinstance(changes, Mapping):
        raise InvalidInput({"non_field_errors": ["Must be a JSON object."]})
    task = get_task(user, task_id)
    request = {name: getattr(task, name) for name in _CLONED}
    request = {name: value for name, value in request.items() if value not in (None, "")}
    request.update(changes or {})
    if "template" in request and "prompt" not in (changes or {}):
        del request["prompt"]
    return submit(user, request).task


@transaction.atomic
def delete(user: AbstractBaseUser, task_id: object) -> None:
    """Remove an ended task and its attempts for good.

    Raises:
        TaskNotFound, InvalidState: it has not ended; cancel it first.
    """
    task = get_task(user, task_id, lock=True)
    if not task.is_terminal:
        raise InvalidState(f"Task {task.pk} is {task.status}; cancel it before you delete it.")
    note("task.delete", f"task {task.pk}", user=user)
    TaskBlock.forget([task.pk])
    task.delete()


def _write(task: Task, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(task, name, value)
    task.save(update_fields=[*fields, "updated_at"])


def _validate_changes(changes: object) -> dict[str, Any]:
    if not isinstance(changes, Mapping) or not changes:
        raise InvalidInput({"non_field_errors": ["Must be an object with priority or tags."]})
    unknown = {
        str(name)[:100]: ["Cannot be changed. Only priority and tags can."]
        for name in changes
        if name not in _CHANGEABLE_FIELDS
    }
    if unknown:
        raise InvalidInput(unknown)
    serializer = SubmissionSerializer(data=changes, partial=True)
    if not serializer.is_valid():
        raise InvalidInput(flatten_errors(serializer.errors))
    return {name: serializer.validated_data[name] for name in changes}
