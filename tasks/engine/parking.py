"""Tasks that cannot be called now: parked until a moment, or held until a gate has room.

A gate is a shared limit: a provider's minute, the day's budget. It lets its tasks in by their
rank as room comes, so strict priority holds among those that wait, however many they are.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tasks.models import Task
from tasks.policy.routing import Defer
from tasks.querysets import TaskQuerySet
from tasks.row_writes import update_rows

AWAKE: dict[str, Any] = {
    "wake_at": None, "waiting_reason": "", "held_by": None, "held_needs": None,
}  # fmt: skip
_WAKE_AT_ONCE = 2_000
_SPREAD_SHARE = 0.1
_LONGEST_SPREAD_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Wait at the gate `by`, which counts the task as `needs`; at the latest until `until`."""

    by: str
    needs: float
    until: float
    reason: str


class Waiting(NamedTuple):
    """A held task, in the order of the queue: `place` sorts."""

    place: tuple[int, int]
    needs: float


def place_of(rank: int, task_id: int) -> tuple[int, int]:
    """Where a task stands in the queue; lower is earlier."""
    return -rank, task_id


def wake_due() -> None:
    """Mark what waited long enough as due."""
    ids = list(_tasks().waking().for_me_alone().values_list("pk", flat=True)[:_WAKE_AT_ONCE])
    wake(ids)


def wake(ids: Sequence[int]) -> None:
    """These tasks, which wait and are locked, are due."""
    if ids:
        _tasks().filter(pk__in=ids).update(**AWAKE)


def park(waits: Iterable[tuple[int, Defer | Hold]], now: datetime) -> None:
    """Let tasks wait, by their ids. Spread a little, or all would come back in one instant."""
    rows = []
    for task_id, way in waits:
        wait_s = max(0.0, way.until - now.timestamp())
        spread_s = random.random() * min(_LONGEST_SPREAD_S, wait_s * _SPREAD_SHARE)  # noqa: S311
        held = (way.by, way.needs) if isinstance(way, Hold) else (None, None)
        wake_at = now + timedelta(seconds=wait_s + spread_s)
        rows.append((wake_at, way.reason[:200], *held, task_id))
    update_rows(Task, ["wake_at", "waiting_reason", "held_by", "held_needs"], rows)


def is_anyone_held() -> bool:
    """One look for all gates: where nobody waits, nobody need be asked for."""
    return Task.objects.all().held().is_any()


def first_held(
    gates: Iterable[str], limit: int, *, fitting: int | None = None, is_locking: bool = False
) -> list[Waiting]:
    """The first tasks of these gates' lines together, in the order of the queue.

    fitting: only those that need no more.
    """
    found: list[Waiting] = []
    for gate in gates:
        rows = _tasks().held_by(gate)
        rows = rows if fitting is None else rows.filter(held_needs__lte=fitting)
        rows = rows.for_me_alone() if is_locking else rows
        columns = rows.values_list("priority", "boost", "pk", "held_needs")[:limit]
        found += [Waiting(place_of(p + b, pk), needs or 0.0) for p, b, pk, needs in columns]
    return sorted(found)[:limit]


def free_from_gates_but(gates: Iterable[str]) -> int:
    """Tasks held by a gate that is none of these any more are due. Returns how many."""
    forgotten = _tasks().held_by_none_of(list(gates))
    if not forgotten.is_any():
        return 0
    return forgotten.update(**AWAKE)


def _tasks() -> TaskQuerySet:
    return Task.objects.all()
