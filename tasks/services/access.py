"""Finding tasks on behalf of somebody: what is not theirs does not exist."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from tasks.errors import BatchNotFound, NotFound, TaskNotFound
from tasks.models import Batch, Task
from tasks.prepared import Prepared
from tasks.querysets import TaskQuerySet

_MOST_ID = 2**63 - 1
_SHOWN = ("owner", "template_version__template")  # beside a task
_STANDING = (
    "status", "provider", "model", "priority", "boost", "attempts", "waiting_reason", "wake_at",
    "result_source", "error_code", "error_message", "created_at", "started_at", "finished_at",
)  # fmt: skip
_any_task: Prepared[Task] = Prepared(
    lambda key: Task.objects.select_related(*_SHOWN).filter(pk=key)
)
_own_task: Prepared[Task] = Prepared(
    lambda key, own: Task.objects.select_related(*_SHOWN).filter(pk=key, owner_id=own)
)
_any_standing: Prepared[Task] = Prepared(lambda key: Task.objects.only(*_STANDING).filter(pk=key))
_own_standing: Prepared[Task] = Prepared(
    lambda key, own: Task.objects.only(*_STANDING).filter(pk=key, owner_id=own)
)


def may_open(user: Any, model: str) -> bool:
    """Whether the admin shows `model`, by its lower-case name, to `user`: who may change something
    may see it, too."""
    return any(user.has_perm(f"tasks.{verb}_{model}") for verb in ("view", "change"))


def visible_tasks(user: AbstractBaseUser) -> TaskQuerySet:
    """The tasks of `user`; all of them for staff."""
    return Task.objects.all().visible_to(user)


def get_task(user: AbstractBaseUser, task_id: object, *, lock: bool = False) -> Task:
    """One task of `user`. task_id: an integer, or its digits as they came from outside.

    lock: hold the row until the transaction ends.

    Raises:
        TaskNotFound: there is none, or it is somebody else's.
    """
    if not lock:
        return _find(user, task_id, _any_task, _own_task)
    rows = visible_tasks(user).select_related(*_SHOWN).select_for_update(of=("self",))
    task: Task | None = rows.filter(pk=as_key(task_id, TaskNotFound)).first()
    if task is None:
        raise TaskNotFound(task_id)
    return task


def get_standing(user: AbstractBaseUser, task_id: object) -> Task:
    """The same task with nothing but what tells how it stands: a third of the cost.

    Raises:
        TaskNotFound: as `get_task`.
    """
    return _find(user, task_id, _any_standing, _own_standing)


def _find(
    user: AbstractBaseUser, task_id: object, anyones: Prepared[Task], own: Prepared[Task]
) -> Task:
    key = as_key(task_id, TaskNotFound)
    sees_all = getattr(user, "is_staff", False)
    task = anyones.first(key) if sees_all else own.first(key, user.pk)
    if task is None:
        raise TaskNotFound(task_id)
    return task


def visible_batches(user: AbstractBaseUser) -> QuerySet[Batch]:
    """The batches of `user`; all of them for staff."""
    return Batch.objects.all().visible_to(user)


def get_batch(user: AbstractBaseUser, batch_id: object) -> Batch:
    """One batch of `user`. batch_id: as for `get_task`.

    Raises:
        BatchNotFound: there is none, or it is somebody else's.
    """
    batch = visible_batches(user).filter(pk=as_key(batch_id, BatchNotFound)).first()
    if batch is None:
        raise BatchNotFound(batch_id)
    return batch


def as_key(given: object, refusal: type[NotFound]) -> int:
    """The primary key that `given` is, or is written in. Raises `refusal` for what is none."""
    text = str(given)
    if isinstance(given, bool) or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise refusal(given)
    key = int(text)
    if key > _MOST_ID:
        raise refusal(given)
    return key
