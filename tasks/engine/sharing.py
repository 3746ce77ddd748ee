"""One call for identical requests of one owner: those that come while it runs wait for its answer,
those that come within TASKRUNNER_CACHE_TTL after it take a copy.

Only an answer of the provider that was asked, whole and real, is shared: no mock's, no stand-in's,
no cut one. A call that brings none frees those that waited: the first of them calls itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from django.db import connection
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Coalesce

from tasks.conf import get_conf
from tasks.engine.claimed import DueTask
from tasks.engine.outbox import record
from tasks.engine.parking import AWAKE, Hold
from tasks.engine.route import Routed
from tasks.engine.wakeup import hint
from tasks.models import Attempt, Task
from tasks.policy.routing import LONGEST_HOLD_S, Defer
from tasks.row_writes import update_rows
from tasks.vocabulary import EventType, Outcome, Provider, ResultSource, Status

GATE = "sharing"
_REASON = "an identical request is being called; its answer will serve both"
_LOCK = 0x7461736B73  # any number that nobody else takes
_COPIED = ("result", "served_provider", "served_model", "finish_reason")


@dataclass(frozen=True, kw_only=True)
class Shared:
    """An answer that was given before. saved_usd: what it cost then; None: unpriced."""

    columns: tuple[str, ...]
    saved_usd: Decimal | None


Way = Routed | Defer | Hold | Shared


class Sharing:
    """One claim's view of what is being called, and of what was answered."""

    def __init__(self, tasks: Sequence[DueTask], now: datetime) -> None:
        ttl_s = get_conf().cache_ttl_s
        self._now = now
        self._keys = {task.id: key_of(task) for task in tasks} if ttl_s else {}
        self._flying: set[str] = set()
        self._answers: dict[str, Shared] = {}
        if self._keys:
            _let_no_other_claim_look()
            self._flying = _flying(self._keys.values())
            self._answers = _answers(self._keys.values(), now - timedelta(seconds=ttl_s))

    def way(self, task: DueTask, route: Callable[[DueTask], Routed | Defer | Hold]) -> Way:
        """The answer that is there, the wait for the one that comes, or else `route(task)`."""
        key = self._keys.get(task.id)
        if key is None:
            return route(task)
        if (answer := self._answers.get(key)) is not None:
            return answer
        if key in self._flying:
            until = self._now.timestamp() + LONGEST_HOLD_S
            return Hold(by=GATE, needs=0, until=until, reason=_REASON)
        way = route(task)
        if isinstance(way, Routed) and way.provider is not Provider.MOCK:
            self._flying.add(key)
        return way

    def save(self, ways: Iterable[tuple[DueTask, Way]]) -> None:
        """Complete those that took a copy; note who calls and who waits for what."""
        if not self._keys:
            return
        ways = list(ways)
        _complete([(task, way) for task, way in ways if isinstance(way, Shared)], self._now)
        noted = [task for task, way in ways if isinstance(way, Routed | Hold)]
        update_rows(Task, ["share_key"], [(self._keys[task.id], task.id) for task in noted])


def key_of(task: DueTask) -> str:
    """Equal for identical requests of one owner, and for no others."""
    asked = (task.owner_id, task.provider, task.model, task.prompt, task.system, task.max_tokens,
             task.temperature)  # fmt: skip
    return blake2b(json.dumps(asked).encode(), digest_size=16).hexdigest()


def free_followers(keys: Collection[str | None]) -> bool:
    """These calls are over, however: those that waited for them are due. True: there are some."""
    known = [key for key in keys if key]
    followers = Task.objects.all().held_by(GATE).filter(share_key__in=known)
    is_followed = bool(known) and bool(followers.update(**AWAKE))
    if is_followed:
        hint()
    return is_followed


def free_orphans() -> int:
    """Those whose call was cancelled, lost or removed are due. Returns how many."""
    held = Task.objects.all().held_by(GATE)
    if not get_conf().cache_ttl_s or not held.is_any():
        return 0
    called = Task.objects.filter(share_key=OuterRef("share_key"), status=Status.PROCESSING)
    freed = held.filter(~Exists(called)).update(**AWAKE)
    if freed:
        hint()
    return freed


def _let_no_other_claim_look() -> None:
    """Until this one has written down whom it calls. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _flying(keys: Iterable[str]) -> set[str]:
    called = Task.objects.filter(share_key__in=set(keys), status=Status.PROCESSING)
    return {key for key in called.values_list("share_key", flat=True) if key}


def _answers(keys: Iterable[str], since: datetime) -> dict[str, Shared]:
    """The newest shareable answer of each key."""
    rows = Task.objects.filter(
        share_key__in=set(keys),
        finished_at__gt=since,
        status=Status.COMPLETED,
        result_source=ResultSource.PROVIDER,
        truncated=False,
    ).order_by("finished_at")
    found = {
        key: (pk, columns) for pk, key, *columns in rows.values_list("pk", "share_key", *_COPIED)
    }
    costs = dict(
        Attempt.objects.filter(
            task__in=[pk for pk, _ in found.values()], outcome=Outcome.SUCCEEDED
        ).values_list("task_id", "cost_usd")
    )
    return {
        key: Shared(columns=tuple(columns), saved_usd=costs.get(pk))
        for key, (pk, columns) in found.items()
        if key
    }


def _complete(served: Sequence[tuple[DueTask, Shared]], now: datetime) -> None:
    """PENDING → PROCESSING → COMPLETED within this transaction, without an attempt or a slot."""
    if not served:
        return
    tasks = Task.objects.filter(pk__in=[task.id for task, _ in served])
    tasks.update(
        status=Status.PROCESSING.value,
        started_at=Coalesce("started_at", now),
        cost_usd=Coalesce("cost_usd", Value(Decimal(0))),
        prompt_tokens=0,
        completion_tokens=0,
        cached_tokens=0,
    )
    update_rows(
        Task,
        ["status", *_COPIED, "result_source", "saved_usd", "finished_at", "updated_at"],
        [
            (Status.COMPLETED.value, *answer.columns, ResultSource.CACHE.value,
             answer.saved_usd, now, now, task.id)
            for task, answer in served
        ],
    )  # fmt: skip
    for kind in (EventType.STARTED, EventType.COMPLETED):
        record((kind, task.id, task.owner_id) for task, _ in served)
