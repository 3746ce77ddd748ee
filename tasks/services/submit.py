"""Submit: the only way in. One task row, and its idempotency record, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from tasks.conf import get_conf
from tasks.engine.outbox import record
from tasks.engine.wakeup import hint
from tasks.errors import InvalidInput
from tasks.models import IdempotencyRecord, Task
from tasks.querysets import database_now
from tasks.services.audit import note
from tasks.services.choosing import choose_provider
from tasks.services.idempotency import do_once, fingerprint_of, require_usable_key
from tasks.services.submission import validate_submission
from tasks.services.template_shelf import Shelf
from tasks.vocabulary import SCHEDULED, EventType


@dataclass(frozen=True, kw_only=True)
class Submitted:
    """The task that a submit means. `record` is None when no idempotency key was given."""

    task: Task
    is_replay: bool = False
    record: IdempotencyRecord | None = None


def submit(
    owner: AbstractBaseUser,
    data: object,
    *,
    idempotency_key: str | None = None,
    render: Callable[[Task], str] | None = None,
) -> Submitted:
    """Accept one prompt as a PENDING task of `owner`, durable once this returns.

    data: the fields of a submit as they came in; nothing about them is taken on trust.
    idempotency_key: the same key with the same data returns the first task.
    render: the answer's text, kept in `record.answer` with the key, so that a replay is the first
    answer to the letter (a text, because PostgreSQL's jsonb would forget the order of its keys).

    Raises:
        InvalidInput: a field breaks a rule.
        IdempotencyConflict: the key was used with other data.
    """
    fields = validate_submission(data)
    if idempotency_key is None:
        return Submitted(task=_insert(owner, fields))
    require_usable_key(idempotency_key)

    def make() -> dict[str, Any]:
        task = _insert(owner, fields)
        return {"task": task, "answer": render(task) if render else None}

    first, is_replay = do_once(owner, idempotency_key, fingerprint_of(fields), make)
    assert first.task is not None  # noqa: S101 - a batch's fingerprint is no task's
    return Submitted(task=first.task, record=first, is_replay=is_replay)


def task_values(fields: dict[str, Any], now: Callable[[], datetime]) -> dict[str, Any]:
    """The columns that these cleaned and filled fields mean; the others keep their defaults.

    now: the database's clock, asked only for what is due later. Raises InvalidInput.
    """
    _require_future(fields.get("expires_at"))
    provider, model = choose_provider(fields)
    values = {**fields, "provider": provider.value, "model": model}
    values.setdefault("max_attempts", get_conf().max_attempts)
    run_after = values.get("run_after")
    if run_after is not None and run_after > now():
        values.update(wake_at=run_after, waiting_reason=SCHEDULED)
    return values


def _require_future(expires_at: datetime | None) -> None:
    """Judged after the idempotency key: what was accepted once is replayed at any time."""
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput({"expires_at": ["Must be in the future."]})


@transaction.atomic
def _insert(owner: AbstractBaseUser, fields: dict[str, Any]) -> Task:
    task = Task(owner=cast(Any, owner), **task_values(Shelf(owner).fill(fields), database_now))
    task.save(force_insert=True)
    record([(EventType.SUBMITTED, task.pk, task.owner_id)])
    note("task.submit", f"task {task.pk}", user=owner)
    hint(1)
    return task
