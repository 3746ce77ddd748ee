"""Submit: the only way in. One task row, and its idempotency record, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from tasks.conf import get_conf
from tasks.engine.outbox import record
from tasks.engine.wakeup import hint
from tasks.errors import IdempotencyConflict, InvalidInput
from tasks.models import IdempotencyRecord, Task
from tasks.querysets import database_now
from tasks.services.choosing import choose_provider
from tasks.services.submission import validate_submission
from tasks.vocabulary import EventType

_MOST_KEY_CHARS = 255


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
    _require_usable_key(idempotency_key)
    fingerprint = _fingerprint(fields)
    if (first := _find_first(owner, idempotency_key, fingerprint)) is not None:
        return first
    try:
        with transaction.atomic():
            task = _insert(owner, fields)
            record = IdempotencyRecord.objects.create(
                owner_id=owner.pk,
                key=idempotency_key,
                fingerprint=fingerprint,
                task=task,
                answer=render(task) if render else None,
            )
    except IntegrityError:
        # Somebody else's insert of the same key was first; theirs is committed by now.
        first = _find_first(owner, idempotency_key, fingerprint)
        if first is None:
            raise
        return first
    return Submitted(task=task, record=record)


def build_task(owner: AbstractBaseUser, fields: dict[str, Any]) -> Task:
    """The row that these cleaned fields mean, not saved yet. Raises InvalidInput."""
    provider, model = choose_provider(fields)
    values = {**fields, "provider": provider.value, "model": model}
    values.setdefault("max_attempts", get_conf().max_attempts)
    run_after = values.get("run_after")
    if run_after is not None and run_after > database_now():
        values.update(wake_at=run_after, waiting_reason="scheduled")
    return Task(owner_id=owner.pk, **values)


@transaction.atomic
def _insert(owner: AbstractBaseUser, fields: dict[str, Any]) -> Task:
    task = build_task(owner, fields)
    task.save(force_insert=True)
    record([(EventType.SUBMITTED, task.pk, task.owner_id)])
    hint()
    return task


def _find_first(owner: AbstractBaseUser, key: str, fingerprint: str) -> Submitted | None:
    record = (
        IdempotencyRecord.objects.select_related("task").filter(owner_id=owner.pk, key=key).first()
    )
    if record is None:
        return None
    if record.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This idempotency key was used with another body. Send a new key for a new task."
        )
    return Submitted(task=record.task, record=record, is_replay=True)


def _fingerprint(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, cls=DjangoJSONEncoder)
    return hashlib.sha256(text.encode()).hexdigest()


def _require_usable_key(key: str) -> None:
    is_printable = key.isprintable() and not any(0xD800 <= ord(char) <= 0xDFFF for char in key)
    if not key.strip() or len(key) > _MOST_KEY_CHARS or not is_printable:
        raise InvalidInput(
            {"idempotency_key": [f"Must be 1 to {_MOST_KEY_CHARS} printable characters."]}
        )
