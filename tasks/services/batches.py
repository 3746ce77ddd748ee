"""Batches: many tasks submitted as one, cancelled as one, their failures tried again as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from rest_framework import serializers

from tasks.engine.outbox import record_submit_of
from tasks.engine.wakeup import hint
from tasks.errors import InvalidInput
from tasks.models import Batch, IdempotencyRecord
from tasks.services.access import get_batch
from tasks.services.audit import note
from tasks.services.bulk import BulkAction, act_on_all
from tasks.services.fields import StrictText
from tasks.services.idempotency import canonical, do_once, require_usable_key
from tasks.services.staging import Item, Staged, stage
from tasks.services.submission import clean
from tasks.vocabulary import Status


class BatchOptionsSerializer(serializers.Serializer[Any]):
    """What can be said of a batch beside its tasks."""

    name = StrictText(max_length=200, required=False, help_text="Your own name for it.")


@dataclass(frozen=True, kw_only=True)
class SubmittedBatch:
    """The batch that a submit means. `record` is None when no idempotency key was given."""

    batch: Batch
    is_replay: bool = False
    record: IdempotencyRecord | None = None


def create_batch(
    owner: AbstractBaseUser,
    items: Iterable[Item],
    *,
    options: object = None,
    idempotency_key: str | None = None,
    render: Callable[[Batch], str] | None = None,
) -> SubmittedBatch:
    """Accept all of `items` as PENDING tasks of one batch, in their order, or none of them.

    options: the fields of `BatchOptionsSerializer` as they came. idempotency_key, render: as for
    `submit`.

    Raises:
        InvalidInput, ItemsRefused: a rule is broken; an item's place is named.
        IdempotencyConflict: the key was used with other tasks.
    """
    asked = clean(BatchOptionsSerializer, options or {})
    if idempotency_key is not None:
        require_usable_key(idempotency_key)
    with stage(owner, items) as staged:
        if not staged.total:
            raise InvalidInput({"tasks": ["There is none to be submitted."]})
        if idempotency_key is None:
            return SubmittedBatch(batch=_insert(owner, staged, asked))

        def make() -> dict[str, Any]:
            batch = _insert(owner, staged, asked)
            return {"batch": batch, "answer": render(batch) if render else None}

        staged.digest.update(b"batch" + canonical(asked))
        record, is_replay = do_once(owner, idempotency_key, staged.fingerprint, make)
    assert record.batch is not None  # noqa: S101 - a task's fingerprint is no batch's
    return SubmittedBatch(batch=record.batch, record=record, is_replay=is_replay)


def cancel_batch(user: AbstractBaseUser, batch_id: object) -> Batch:
    """Cancel what has not ended. A batch that has ended stays as it is. Raises: BatchNotFound."""
    batch = get_batch(user, batch_id)
    act_on_all(user, BulkAction.CANCEL, {"batch": batch.pk})
    return batch


def retry_failed(user: AbstractBaseUser, batch_id: object) -> Batch:
    """Put its FAILED tasks, if there are any, back in line. Raises: BatchNotFound."""
    batch = get_batch(user, batch_id)
    act_on_all(user, BulkAction.RETRY, {"batch": batch.pk, "status": Status.FAILED.value})
    return batch


@transaction.atomic
def _insert(owner: AbstractBaseUser, staged: Staged, asked: dict[str, Any]) -> Batch:
    batch = Batch.objects.create(owner_id=owner.pk, total=staged.total, **asked)
    staged.insert(owner, batch.pk)
    record_submit_of(batch.pk)
    note("batch.submit", f"batch {batch.pk}", user=owner, tasks=staged.total)
    hint(staged.total)
    return batch
