"""What one call means for its task: judged without a database, kept as JSON in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from tasks.conf import Conf
from tasks.engine.claimed import Answer, Claimed
from tasks.errors import CountedTokens, ProviderError
from tasks.policy.pricing import Cost
from tasks.policy.retry import RetryIn, decide_retry, lane_wait_s
from tasks.providers.base import Completion
from tasks.vocabulary import EventType, Outcome, Provider, ResultSource, Status

_MOST_MESSAGE_CHARS = 2000
_MONEY = ("cost_usd", "input_rate", "cached_rate", "output_rate")
_OF_THE_CALL = (
    "task_id", "attempt_number", "lease_token", "provider", "is_probe", "reserved_tokens",
    "reserved_units", "reserved_on", "first_token_ms",
)  # fmt: skip
_EVENTS = {Status.COMPLETED: EventType.COMPLETED, Status.FAILED: EventType.FAILED}
_EVENTS_OF_WAITING = {
    Outcome.DEFERRED: EventType.DEFERRED,
    Outcome.UNKNOWN: EventType.RELEASED,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The columns to write for a task and its attempt, if the lease still holds.

    provider: who was called. is_probe: as the probe of an open breaker. key_id: the fingerprint of
    the key that a failed call was made with. lane_wait_s: how long that provider asked everybody to
    wait, seconds. reserved_…: as on `Claimed`. first_token_ms: as on `Attempt`. attempts: what the
    task has spent, this call included or not. wake_in_s: for PENDING, seconds until it is due again
    (0: at once). cost_usd: None is unpriced; the rates, USD per 1M tokens, are those used.
    """

    task_id: int
    attempt_number: int
    lease_token: UUID
    provider: str
    is_probe: bool = False
    key_id: str = ""
    lane_wait_s: float | None = None
    reserved_tokens: int | None = None
    reserved_units: int | None = None
    reserved_on: str = ""
    first_token_ms: int | None = None
    status: Status
    outcome: Outcome
    attempts: int
    wake_in_s: float = 0
    waiting_reason: str = ""
    result: str | None = None
    result_source: str = ""
    served_provider: str = ""
    served_model: str = ""
    finish_reason: str = ""
    truncated: bool = False
    error_code: str = ""
    message: str = ""
    http_status: int | None = None
    request_id: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: Decimal | None = None
    input_rate: Decimal | None = None
    cached_rate: Decimal | None = None
    output_rate: Decimal | None = None

    @property
    def event(self) -> EventType:
        """What the owner is told of it."""
        return _EVENTS.get(self.status) or _EVENTS_OF_WAITING.get(self.outcome, EventType.RETRYING)

    @property
    def has_reservation(self) -> bool:
        """Settling it may make room for tasks that wait for a limit."""
        return self.reserved_tokens is not None or self.reserved_units is not None

    def to_json(self) -> dict[str, Any]:
        row = dict(vars(self))  # flat: `asdict` would copy deeply, at many times the cost
        row["lease_token"] = self.lease_token.hex
        for name in _MONEY:
            row[name] = None if row[name] is None else str(row[name])
        return row

    def as_refused(self, why: str) -> Verdict:
        """FAILED instead: the database would not store the result as it is."""
        return Verdict(
            **{name: getattr(self, name) for name in (*_OF_THE_CALL, *_MONEY)},
            status=Status.FAILED,
            outcome=Outcome.FAILED,
            attempts=self.attempts,
            error_code="unstorable",
            message=f"The answer cannot be stored ({why}).",
        )

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for a row that is no verdict."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in row.items() if name in known}
        values["lease_token"] = UUID(hex=row["lease_token"])
        values["status"] = Status(row["status"])
        values["outcome"] = Outcome(row["outcome"])
        for name in _MONEY:
            values[name] = None if row.get(name) is None else Decimal(row[name])
        return cls(**values)


def judge(answer: Answer, conf: Conf, random: Callable[[], float]) -> Verdict:
    """COMPLETED with its result, PENDING for another try, or FAILED. Pure but for `random`."""
    if answer.completion is not None:
        return _completed(answer.claimed, answer.completion, answer.cost)
    if answer.error is None:
        raise ValueError("an answer is a completion or an error")
    used = _columns_of_use(answer.error.usage, answer.cost)
    return replace(_retried_or_failed(answer.claimed, answer.error, conf, random), **used)


def release(claimed: Claimed, reason: str) -> Verdict:
    """PENDING at once, the attempt not spent: its worker leaves before the answer came.

    The outcome is UNKNOWN, for the provider may have answered, and billed, all the same.
    """
    return _on(
        claimed,
        status=Status.PENDING,
        outcome=Outcome.UNKNOWN,
        attempts=claimed.attempts - 1,
        error_code="released",
        message=reason,
    )


def _on(claimed: Claimed, **columns: Any) -> Verdict:
    return Verdict(
        task_id=claimed.task_id,
        attempt_number=claimed.attempt_number,
        lease_token=claimed.lease_token,
        provider=claimed.provider.value,
        is_probe=claimed.is_probe,
        reserved_tokens=claimed.reserved_tokens,
        reserved_units=claimed.reserved_units,
        reserved_on=claimed.reserved_on,
        first_token_ms=claimed.request.partial.first_ms if claimed.request.partial else None,
        **columns,
    )


def _completed(claimed: Claimed, completion: Completion, cost: Cost | None) -> Verdict:
    return _on(
        claimed,
        status=Status.COMPLETED,
        outcome=Outcome.SUCCEEDED,
        attempts=min(claimed.attempts, claimed.max_attempts),  # the mock may answer beyond them
        result=_storable(completion.text),
        result_source=_source(claimed),
        served_provider=claimed.provider.value,
        served_model=_storable(completion.model[:100]) or claimed.request.model,
        finish_reason=completion.finish_reason.value,
        truncated=completion.is_truncated,
        http_status=None if claimed.provider is Provider.MOCK else 200,
        request_id=_storable(completion.request_id[:200]),
        **_columns_of_use(completion.usage, cost),
    )


def _source(claimed: Claimed) -> str:
    if claimed.provider is Provider.MOCK:
        return ResultSource.MOCK.value
    return (ResultSource.FALLBACK if claimed.is_fallback else ResultSource.PROVIDER).value


def _retried_or_failed(
    claimed: Claimed, error: ProviderError, conf: Conf, random: Callable[[], float]
) -> Verdict:
    if error.opens_breaker and claimed.has_spare_key:
        return _deferred_to_another_key(claimed, error)
    decision = decide_retry(
        error,
        attempts=claimed.attempts,
        max_attempts=claimed.max_attempts,
        base_s=conf.retry_base_s,
        cap_s=conf.retry_cap_s,
        random=random,
        has_alternative=claimed.has_alternative,
    )
    is_retry = isinstance(decision, RetryIn)
    is_spent = decision.spends_attempt if isinstance(decision, RetryIn) else True
    return _on(
        claimed,
        status=Status.PENDING if is_retry else Status.FAILED,
        outcome=Outcome.FAILED if is_spent else Outcome.DEFERRED,
        attempts=claimed.attempts if is_spent else claimed.attempts - 1,
        # A lane that waits is the router's to mind: meanwhile another provider may answer.
        wake_in_s=decision.delay_s if isinstance(decision, RetryIn) else 0,
        lane_wait_s=lane_wait_s(error, base_s=conf.retry_base_s),
        waiting_reason=f"{error.code} from {claimed.provider}" if is_retry else "",
        **_columns_of(error),
    )


def _deferred_to_another_key(claimed: Claimed, error: ProviderError) -> Verdict:
    """The key is at fault, neither the task nor its provider: again at once, the attempt unspent.

    Each refusal sets one key aside, so this ends with the last of them.
    """
    return _on(
        claimed,
        status=Status.PENDING,
        outcome=Outcome.DEFERRED,
        attempts=claimed.attempts - 1,
        **_columns_of(error),
    )


def _columns_of(error: ProviderError) -> dict[str, Any]:
    return {
        "error_code": error.code,
        "message": _storable(error.message[:_MOST_MESSAGE_CHARS]),
        "http_status": error.http_status,
        "request_id": _storable(error.request_id[:200]),
        "key_id": error.key_id,
    }


def _columns_of_use(usage: CountedTokens | None, cost: Cost | None) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "cost_usd": cost.usd if cost else None,
        "input_rate": cost.rates.input if cost else None,
        "cached_rate": cost.rates.cached if cost else None,
        "output_rate": cost.rates.output if cost else None,
    }


def _storable(text: str) -> str:
    """NUL and lone surrogates, which PostgreSQL refuses, as replacement characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
