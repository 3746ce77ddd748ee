"""Claim: take as many due tasks as there are free slots, the most urgent first.

One transaction: wake what is due again, lock and lease the rows, write the attempts down before
anything is sent. Tasks that cannot be called now are parked in the same transaction, and those
whose answer is there already are completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from tasks.conf import get_conf
from tasks.engine.budget import Budget
from tasks.engine.claimed import Claimed, DueTask
from tasks.engine.gates import seconds_to_room
from tasks.engine.lanes import Lanes, read_states
from tasks.engine.limits import Limits, lock_limited
from tasks.engine.outbox import record
from tasks.engine.parking import Hold, is_anyone_held, park, wake_due
from tasks.engine.route import Routed, Router
from tasks.engine.sharing import Sharing
from tasks.models import Attempt, Task
from tasks.policy.routing import Defer
from tasks.providers.base import CompletionRequest
from tasks.providers.partial import Partial
from tasks.querysets import TaskQuerySet, database_now
from tasks.row_writes import insert_rows
from tasks.vocabulary import EventType, Status

_SHORTEST_PAUSE_S = 0.02  # several tasks a look where a limit has room for many a second
_ATTEMPT_COLUMNS = (
    "task", "number", "provider", "model", "worker", "lease_token", "started_at",
    "outcome", "error_code", "message", "request_id", "is_late",
)  # fmt: skip
_NOTHING_YET = ("", "", "", "", False)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a claim brought. is_dry: nothing due was left when it looked."""

    claimed: list[Claimed]
    is_dry: bool


def claim(slots: int, worker: str) -> Claim:
    """Lease at most `slots` due tasks to this worker, the most urgent first."""
    if not _is_anything_due():
        return Claim(claimed=[], is_dry=True)
    with transaction.atomic():
        limited, now = lock_limited(), database_now()
        limits, budget = Limits(limited, now), Budget(now)
        wake_due()
        if (limits or budget) and is_anyone_held():
            limits.let_in(slots)
            budget.let_in(slots)
        rows = _tasks().due().for_me_alone().values_list(*DueTask._fields)[:slots]
        tasks = [DueTask._make(row) for row in rows]
        # After the tasks: whoever made one of them due again has told its provider's state by now.
        router = Router(tasks, Lanes(limited or read_states(), now), limits, budget, now)
        sharing = Sharing(tasks, now)
        ways = [(task, sharing.way(task, router.route)) for task in tasks]
        limits.save()
        budget.save()
        sharing.save(ways)
        park([(task.id, way) for task, way in ways if isinstance(way, Defer | Hold)], now)
        routed = [(task, way) for task, way in ways if isinstance(way, Routed)]
        return Claim(claimed=_lease(routed, worker, now), is_dry=len(tasks) < slots)


def seconds_to_next_wake() -> float | None:
    """Seconds until the next waiting task is due; None if none waits."""
    wake_at = _tasks().waiting().values_list("wake_at", flat=True).first()
    if wake_at is None:
        return None
    wait_s: float = max(0.0, (wake_at - database_now()).total_seconds())
    room_s = seconds_to_room()
    return wait_s if room_s is None else min(wait_s, max(room_s, _SHORTEST_PAUSE_S))


def _tasks() -> TaskQuerySet:
    return Task.objects.all()


def _is_anything_due() -> bool:
    """A look without a lock, so that idle workers do not stand in the writers' way on SQLite."""
    return _tasks().due().is_any() or _tasks().waking().is_any() or seconds_to_room() == 0


def _lease(routed: Sequence[tuple[DueTask, Routed]], worker: str, now: datetime) -> list[Claimed]:
    if not routed:
        return []
    token = uuid4()
    _tasks().filter(pk__in=[task.id for task, _ in routed]).update(
        status=Status.PROCESSING.value,
        lease_token=token,
        lease_expires_at=now + timedelta(seconds=get_conf().lease_s),
        attempts=F("attempts") + 1,
        claims=F("claims") + 1,
        started_at=Coalesce("started_at", now),
        updated_at=now,
    )
    rows = [
        (task.id, task.claims + 1, way.provider.value, way.model, worker, token, now)
        for task, way in routed
    ]
    insert_rows(Attempt, _ATTEMPT_COLUMNS, [(*row, *_NOTHING_YET) for row in rows])
    record((EventType.STARTED, task.id, task.owner_id) for task, _ in routed)
    is_streamed = get_conf().stream
    return [_claimed(task, way, token, is_streamed) for task, way in routed]


def _claimed(task: DueTask, way: Routed, token: UUID, is_streamed: bool) -> Claimed:
    return Claimed(
        task_id=task.id,
        attempt_number=task.claims + 1,
        lease_token=token,
        attempts=task.attempts + 1,
        max_attempts=task.max_attempts,
        provider=way.provider,
        is_fallback=way.is_fallback,
        has_alternative=way.has_alternative,
        is_probe=way.is_probe,
        has_spare_key=way.keys.has_spare,
        reserved_tokens=way.reserved_tokens,
        reserved_units=way.reserved.units if way.reserved else None,
        reserved_on=way.reserved.day.isoformat() if way.reserved else "",
        request=CompletionRequest(
            prompt=task.prompt,
            model=way.model,
            system=task.system,
            max_tokens=task.max_tokens,
            temperature=task.temperature,
            keys_aside=way.keys.aside,
            partial=Partial() if is_streamed else None,
        ),
    )
