"""Doing something once for each key that a client repeats its call with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from tasks.errors import IdempotencyConflict, InvalidInput
from tasks.models import IdempotencyRecord

_MOST_KEY_CHARS = 255


def do_once(
    owner: AbstractBaseUser, key: str, fingerprint: str, make: Callable[[], dict[str, Any]]
) -> tuple[IdempotencyRecord, bool]:
    """The record of the key's first use, and whether that was an earlier one.

    make: does the work, in one transaction with the record, and returns what the record shall
    hold of it; not called, or undone, if the key was used before.

    Raises:
        IdempotencyConflict: the key was used with other data.
    """
    if (first := _find_first(owner, key, fingerprint)) is not None:
        return first, True
    try:
        with transaction.atomic():
            record = IdempotencyRecord.objects.create(
                owner_id=owner.pk, key=key, fingerprint=fingerprint, **make()
            )
    except IntegrityError:
        # Somebody else's insert of the same key was first; theirs is committed by now.
        first = _find_first(owner, key, fingerprint)
        if first is None:
            raise
        return first, True
    return record, False


def require_usable_key(key: str) -> None:
    """Raises: InvalidInput."""
    is_printable = key.isprintable() and not any(0xD800 <= ord(char) <= 0xDFFF for char in key)
    if not key.strip() or len(key) > _MOST_KEY_CHARS or not is_printable:
        raise InvalidInput(
            {"idempotency_key": [f"Must be 1 to {_MOST_KEY_CHARS} printable characters."]}
        )


def canonical(fields: Mapping[str, Any]) -> bytes:
    """Equal for equal cleaned fields, whatever the order in which they came."""
    return json.dumps(fields, sort_keys=True, cls=DjangoJSONEncoder).encode()


def fingerprint_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(fields)).hexdigest()


def _find_first(owner: AbstractBaseUser, key: str, fingerprint: str) -> IdempotencyRecord | None:
    record = (
        IdempotencyRecord.objects.select_related("task", "batch")
        .filter(owner_id=owner.pk, key=key)
        .first()
    )
    if record is not None and record.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This idempotency key was used with another body. Send a new key for a new task."
        )
    return record
