"""Finding tasks on behalf of somebody: what is not theirs does not exist."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from tasks.errors import TaskNotFound
from tasks.models import Task
from tasks.querysets import TaskQuerySet

_MOST_ID = 2**63 - 1


def visible_tasks(user: AbstractBaseUser) -> TaskQuerySet:
    """The tasks of `user`; all of them for staff."""
    return Task.objects.all().visible_to(user)


def get_task(user: AbstractBaseUser, task_id: object, *, lock: bool = False) -> Task:
    """One task of `user`. task_id: an integer, or its digits as they came from outside.

    lock: hold the row until the transaction ends.

    Raises:
        TaskNotFound: there is none, or it is somebody else's.
    """
    key = _as_key(task_id)
    rows = visible_tasks(user)
    if lock:
        rows = rows.select_for_update(of=("self",))
    task: Task | None = rows.filter(pk=key).first()
    if task is None:
        raise TaskNotFound(task_id)
    return task


def _as_key(task_id: object) -> int:
    text = str(task_id)
    if isinstance(task_id, bool) or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise TaskNotFound(task_id)
    key = int(text)
    if key > _MOST_ID:
        raise TaskNotFound(task_id)
    return key
