"""One action on every task that a filter selects, in chunks, each a short transaction.

A chunk locks its rows and judges the states that it finds then; workers go on between chunks.
Tasks that are submitted after the start are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from tasks.engine.outbox import record
from tasks.engine.wakeup import hint
from tasks.errors import InvalidInput, InvalidState
from tasks.models import Task
from tasks.querysets import TaskQuerySet, database_now
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
from tasks.services.selection import select_tasks
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY, EventType, Status

_CHUNK = 500


class BulkAction(StrEnum):
    """What can be done to many tasks at once."""

    RETRY = "retry"
    CANCEL = "cancel"
    SET_PRIORITY = "set_priority"


ELIGIBLE: Mapping[BulkAction, frozenset[Status]] = {
    BulkAction.RETRY: RETRIABLE,
    BulkAction.CANCEL: CANCELLABLE,
    BulkAction.SET_PRIORITY: CHANGEABLE,
}

_EVENTS = {
    BulkAction.RETRY: EventType.RETRIED,
    BulkAction.CANCEL: EventType.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class BulkOutcome:
    """`matched` met the filter, `eligible` of them stood in a state that allows the action.

    `changed`: how many were changed; 0 on a dry run. Workers move while chunks are written, so
    it may differ a little from `eligible`.
    """

    matched: int
    eligible: int
    changed: int


def act_on_all(
    user: AbstractBaseUser,
    action: BulkAction,
    criteria: Mapping[str, object],
    *,
    priority: int | None = None,
    dry_run: bool = False,
    expected: int | None = None,
) -> BulkOutcome:
    """Do `action` to all tasks of `user` that meet `criteria` and whose state allows it.

    priority: the new one, for SET_PRIORITY alone. expected: how many somebody has confirmed.

    Raises:
        InvalidInput: a filter or the priority breaks a rule.
        InvalidState: other than `expected` tasks are eligible by now; nothing was changed.
    """
    _require_priority(action, priority)
    matching = select_tasks(user, criteria)
    eligible = matching.filter(status__in=ELIGIBLE[action])
    counted = BulkOutcome(matched=matching.count(), eligible=eligible.count(), changed=0)
    if expected is not None and expected != counted.eligible:
        raise InvalidState(f"{counted.eligible} tasks are eligible, not {expected}. Count again.")
    if dry_run or not counted.eligible:
        return counted
    changed = act_on_rows(user, action, matching, priority=priority)
    return BulkOutcome(matched=counted.matched, eligible=counted.eligible, changed=changed)


def act_on_rows(
    user: AbstractBaseUser, action: BulkAction, rows: TaskQuerySet, *, priority: int | None = None
) -> int:
    """Do `action` to those of `rows` whose state allows it, whoever's they are: the caller has
    chosen what `user` may touch. Returns how many were changed.

    Raises:
        InvalidInput: the priority breaks a rule.
    """
    _require_priority(action, priority)
    eligible = rows.filter(status__in=ELIGIBLE[action])
    return sum(_act_on_chunk(user, action, chunk, priority) for chunk in _chunks(eligible))


def _chunks(eligible: TaskQuerySet) -> Iterator[TaskQuerySet]:
    """Selections of at most `_CHUNK` rows each, by rising id, up to the newest at the start."""
    newest = eligible.aggregate(newest=Max("pk"))["newest"]
    last = 0
    while newest is not None:
        rows = eligible.filter(pk__gt=last, pk__lte=newest).order_by("pk")
        keys = list(rows.values_list("pk", flat=True)[:_CHUNK])
        if not keys:
            return
        last = keys[-1]
        yield eligible.filter(pk__in=keys)


@transaction.atomic
def _act_on_chunk(
    user: AbstractBaseUser, action: BulkAction, rows: TaskQuerySet, priority: int | None
) -> int:
    # Ordered, so that two bulk actions at once cannot lock each other's rows crosswise.
    locked = rows.order_by("pk").select_for_update()
    found = list(locked.values_list("pk", "owner_id", "lease_token"))
    if action is BulkAction.CANCEL:
        now = database_now()
        close_attempts({pk: token for pk, _, token in found if token}, now)
        fields = fields_of_cancel(now)
    elif action is BulkAction.RETRY:
        fields = fields_of_retry()
        reopen_batches(pk for pk, _, _ in found)
    else:
        fields = {"priority": priority}
    keys = [pk for pk, _, _ in found]
    if keys:
        values = {} if priority is None else {"priority": priority}
        place = f"tasks {keys[0]} to {keys[-1]}"
        note(f"tasks.{action}", place, user=user, count=len(keys), **values)
    changed = Task.objects.filter(pk__in=keys).update(**fields, updated_at=timezone.now())
    if action is BulkAction.RETRY:
        keep_schedule(keys)
    if (event := _EVENTS.get(action)) is not None:
        record((event, pk, owner_id) for pk, owner_id, _ in found)
    if action is not BulkAction.CANCEL:
        hint(changed)
    return changed


def _require_priority(action: BulkAction, priority: int | None) -> None:
    if action is BulkAction.SET_PRIORITY:
        if priority is None or not MIN_PRIORITY <= priority <= MAX_PRIORITY:
            rule = f"Must be a whole number from {MIN_PRIORITY} to {MAX_PRIORITY}."
            raise InvalidInput({"priority": [rule]})
    elif priority is not None:
        raise InvalidInput({"priority": ["Only set_priority takes a priority."]})
