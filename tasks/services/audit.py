"""Who is acting, and the note that each write leaves in the audit log, in its own transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from tasks.models import AuditEntry
from tasks.querysets import database_now
from tasks.row_writes import insert_rows
from tasks.vocabulary import Door

KEPT_DAYS = 365
PRUNE_EVERY_S = 600.0
_PRUNED_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who came through a door. user: None where nobody has logged in."""

    door: Door
    user: AbstractBaseUser | None
    key_id: int | None = None


_current: ContextVar[Callable[[], Actor] | None] = ContextVar("actor", default=None)


def enter(who: Callable[[], Actor] | None) -> None:
    """From now on, in this context, `who` acts; asked only when something is written, for a door
    may learn late who has come."""
    _current.set(who)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Within this block `actor` acts."""
    token = _current.set(lambda: actor)
    try:
        yield
    finally:
        _current.reset(token)


def note(
    action: str, subject: str, *, user: AbstractBaseUser | None = None, **details: Any
) -> None:
    """Write down that something was changed. user: who acts, where no door says so: at the shell.

    details: small, JSON, and no secret.
    """
    who = _current.get()
    actor = Actor(door=Door.SHELL, user=user) if who is None else who()
    acted = actor.user if actor.user is not None and actor.user.pk is not None else user
    entry = {
        "door": actor.door.value,
        "actor_id": None if acted is None else acted.pk,
        "actor": "" if acted is None else acted.get_username()[:150],
        "key_id": actor.key_id,
        "action": action,
        "subject": subject,
        "details": json.dumps(details),
    }
    insert_rows(AuditEntry, tuple(entry), [tuple(entry.values())])


def prune_audit() -> int:
    """Remove entries older than KEPT_DAYS; returns how many."""
    oldest = AuditEntry.objects.order_by("pk").values_list("pk", "at")[:_PRUNED_AT_ONCE]
    limit = database_now() - timedelta(days=KEPT_DAYS)
    ids = [pk for pk, at in oldest if at < limit]
    removed, _ = AuditEntry.objects.filter(pk__in=ids).delete()
    return removed
