"""Settle: write what the calls came to, many in one short transaction, each behind its fence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, transaction

from tasks.engine.budget import correct_budget
from tasks.engine.lanes import learn
from tasks.engine.outbox import record
from tasks.engine.parking import is_anyone_held
from tasks.engine.sharing import free_followers
from tasks.engine.stand_in import leave_to_mock
from tasks.engine.verdict import Verdict
from tasks.errors import CallHungUp
from tasks.models import Attempt, Task
from tasks.querysets import database_now
from tasks.row_writes import update_rows
from tasks.vocabulary import Outcome, Status

log = structlog.get_logger(__name__)

_TASK_COLUMNS = (
    "status", "attempts", "wake_at", "waiting_reason", "result", "result_source",
    "served_provider", "served_model", "finish_reason", "truncated", "error_code",
    "error_message", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd",
    "lease_token", "lease_expires_at", "finished_at", "updated_at",
)  # fmt: skip
_ATTEMPT_COLUMNS = (
    "outcome", "error_code", "message", "http_status", "request_id", "prompt_tokens",
    "completion_tokens", "cached_tokens", "cost_usd", "input_rate", "cached_rate", "output_rate",
    "finished_at", "first_token_ms", "partial",
)  # fmt: skip
_ATTEMPT_KEY = ("task", "number")


class _Held(NamedTuple):
    """Who holds a task that is being called, whose it is, what it has cost so far, and what
    identical requests know it by."""

    lease_token: UUID | None
    owner_id: int
    cost_usd: Decimal | None
    share_key: str | None


_NOBODY = _Held(None, 0, None, None)


def settle_each(verdicts: Sequence[Verdict]) -> bool:
    """`settle`, and if the database refuses one of them, that one alone FAILS.

    Raises: OperationalError or InterfaceError if the database is away; nothing is written then
    that is not written again with the same effect.
    """
    try:
        return settle(verdicts)
    except (DataError, IntegrityError, ValueError) as refusal:
        if len(verdicts) == 1:
            log.error("result refused by the database", task=verdicts[0].task_id)
            return settle([verdicts[0].as_refused(type(refusal).__name__)])
        has_made_room = [settle_each([verdict]) for verdict in verdicts]
        return any(has_made_room)


@transaction.atomic
def settle(verdicts: Sequence[Verdict]) -> bool:
    """Write each verdict whose lease still holds; the others are late and change no task.

    Who may have been first: a user's cancel, or the rescue of a lease that lapsed. True: tasks that
    were held may be let in now.
    """
    if not verdicts:
        return False
    held = _held_tasks(verdict.task_id for verdict in verdicts)
    in_time = [v for v in verdicts if held.get(v.task_id, _NOBODY).lease_token == v.lease_token]
    now = database_now()
    update_rows(Attempt, _ATTEMPT_COLUMNS, [_attempt_row(v, now) for v in in_time], _ATTEMPT_KEY)
    late = [v for v in verdicts if held.get(v.task_id, _NOBODY).lease_token != v.lease_token]
    new = [*in_time, *(v for v in late if _record_late(v, now))]
    learn(verdicts, new, now)
    correct_budget(new)
    in_time = leave_to_mock(in_time, now)
    update_rows(Task, _TASK_COLUMNS, [_task_row(v, held[v.task_id].cost_usd, now) for v in in_time])
    record((v.event, v.task_id, held[v.task_id].owner_id) for v in in_time)
    is_followed = free_followers({held[v.task_id].share_key for v in in_time})
    return is_followed or (any(v.has_reservation for v in verdicts) and is_anyone_held())


def _held_tasks(task_ids: Iterable[int]) -> dict[int, _Held]:
    rows = Task.objects.all().filter(pk__in=list(task_ids), status=Status.PROCESSING)
    locked = rows.select_for_update(of=("self",)).values_list("pk", *_Held._fields)
    return {pk: _Held(*columns) for pk, *columns in locked}


def _task_row(verdict: Verdict, spent_usd: Decimal | None, now: datetime) -> list[Any]:
    is_over = verdict.status.is_terminal
    is_waiting = verdict.wake_in_s > 0 and not is_over
    return [
        verdict.status.value, verdict.attempts,
        now + timedelta(seconds=verdict.wake_in_s) if is_waiting else None,
        verdict.waiting_reason if is_waiting else "", verdict.result, verdict.result_source,
        verdict.served_provider, verdict.served_model, verdict.finish_reason, verdict.truncated,
        verdict.error_code if verdict.status is Status.FAILED else "",
        verdict.message if verdict.status is Status.FAILED else "",
        verdict.prompt_tokens, verdict.completion_tokens, verdict.cached_tokens,
        _total_usd(spent_usd, verdict), None, None, now if is_over else None, now, verdict.task_id,
    ]  # fmt: skip


def _total_usd(spent_usd: Decimal | None, verdict: Verdict) -> Decimal | None:
    """What the task has cost with this call; None: nothing yet, or its answer is unpriced."""
    if verdict.cost_usd is None:
        return None if verdict.outcome is Outcome.SUCCEEDED else spent_usd
    return (spent_usd or 0) + verdict.cost_usd


def _attempt_row(verdict: Verdict, now: datetime) -> list[Any]:
    return [
        verdict.outcome.value, verdict.error_code, verdict.message, verdict.http_status,
        verdict.request_id, verdict.prompt_tokens, verdict.completion_tokens,
        verdict.cached_tokens, verdict.cost_usd, verdict.input_rate, verdict.cached_rate,
        verdict.output_rate, now, verdict.first_token_ms, None,
        verdict.task_id, verdict.attempt_number,
    ]  # fmt: skip


def _record_late(verdict: Verdict, now: datetime) -> bool:
    """What the call really came to, on its attempt alone: it may have cost money. True once.

    An attempt that has its outcome already was settled before: a journal may be replayed twice.
    """
    open_outcomes = ["", Outcome.UNKNOWN.value, Outcome.CANCELLED.value]
    attempt = Attempt.objects.filter(
        task=verdict.task_id,
        number=verdict.attempt_number,
        is_late=False,
        outcome__in=open_outcomes,
    ).first()
    if attempt is None:
        return False
    is_cancelled = attempt.outcome == Outcome.CANCELLED.value
    for name, value in zip(_ATTEMPT_COLUMNS, _attempt_row(verdict, now), strict=False):
        setattr(attempt, name, value)
    if is_cancelled:
        attempt.outcome = Outcome.CANCELLED.value
    if verdict.error_code != CallHungUp.code:
        attempt.is_late = True
        attempt.message = (
            f"Late: the lease was gone, the task stays as it is. {verdict.message}".strip()
        )
        log.warning("late result discarded", task=verdict.task_id, attempt=attempt.number)
    attempt.save()
    return True
