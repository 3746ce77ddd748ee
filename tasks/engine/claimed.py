"""What travels through the engine: a claimed task on its way out, an answer on its way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from tasks.errors import ProviderError
from tasks.policy.pricing import Cost
from tasks.providers.base import Completion, CompletionRequest
from tasks.vocabulary import Provider


class DueTask(NamedTuple):
    """What a claim needs of a due task; a model instance costs five times as much."""

    id: int
    owner_id: int
    prompt: str
    system: str
    provider: str
    model: str
    max_tokens: int | None
    temperature: float | None
    failover: bool
    priority: int
    boost: int
    attempts: int
    max_attempts: int
    claims: int


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A task that this worker holds a lease on, and whom to call for it.

    attempts: those spent, this one included. has_alternative: somebody else could still serve it.
    is_probe: the one call that an open breaker lets through. has_spare_key: if the provider refuses
    this call's key, another one is left to call it with. reserved_tokens: what it was reckoned to
    count for in its provider's minute; None: not counted. reserved_units: what was taken for it
    from the budget of the day `reserved_on` (ISO), in the units of `DailySpend`; None: nothing.
    """

    task_id: int
    attempt_number: int
    lease_token: UUID
    attempts: int
    max_attempts: int
    provider: Provider
    is_fallback: bool
    has_alternative: bool
    is_probe: bool = False
    has_spare_key: bool = False
    reserved_tokens: int | None = None
    reserved_units: int | None = None
    reserved_on: str = ""
    request: CompletionRequest

    @property
    def key(self) -> tuple[int, int]:
        """Task and attempt: a task whose lease lapsed may be claimed again by the same worker."""
        return self.task_id, self.attempt_number


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How the call went: a completion or an error, one of the two; and what it cost, if known."""

    claimed: Claimed
    completion: Completion | None = None
    cost: Cost | None = None
    error: ProviderError | None = None
