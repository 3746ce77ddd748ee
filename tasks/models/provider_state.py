"""What all workers know of a provider: paused, deferred, breaker, dead keys, limits."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django.db import models

from tasks.policy.breaker import Breaker
from tasks.policy.quota import Fill, correct
from tasks.policy.routing import LONGEST_PARK_S


class ProviderState(models.Model):
    """One row a provider, made when there is first something to say.

    `tokens_back`: by how much finished calls used fewer tokens than reckoned (negative: more). A
    settle adds to it without reading the row; the next claim counts it in with `fill_json`.
    `refused_keys`: fingerprint → `{"until": epoch seconds, "reason": error code}`; never a key.
    """

    name = models.CharField(max_length=20, primary_key=True)
    is_paused = models.BooleanField(default=False)
    deferred_until = models.DateTimeField(null=True, blank=True)
    deferred_reason = models.CharField(max_length=100, blank=True, default="")
    breaker_json = models.JSONField(default=dict, blank=True)
    refused_keys = models.JSONField(default=dict, blank=True)
    fill_json = models.JSONField(default=dict, blank=True)
    tokens_back = models.BigIntegerField(default=0, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "provider"

    def __str__(self) -> str:
        return self.name

    @property
    def breaker(self) -> Breaker:
        return Breaker.from_json(self.breaker_json) if self.breaker_json else Breaker()

    @breaker.setter
    def breaker(self, breaker: Breaker) -> None:
        self.breaker_json = breaker.to_json()

    @property
    def fill(self) -> Fill:
        """What is left of its requests and tokens a minute."""
        return correct(Fill.from_json(self.fill_json), self.tokens_back)

    @fill.setter
    def fill(self, fill: Fill) -> None:
        self.fill_json, self.tokens_back = fill.to_json(), 0

    def block(self, now: datetime) -> tuple[float, str] | None:
        """Until when (seconds since the epoch; infinity: until an operator acts) no call may go
        there, and why; None: it is open."""
        if self.is_paused:
            return math.inf, "paused by an operator"
        moment = now.timestamp()
        blocks = []
        if self.deferred_until and self.deferred_until > now:
            blocks.append((self.deferred_until.timestamp(), self.deferred_reason))
        if (until := self.breaker.blocked_until(moment)) is not None:
            blocks.append((until, f"breaker open: {self.breaker.reason or 'forced'}"))
        return max(blocks) if blocks else None

    def is_out(self, now: datetime) -> bool:
        """No answer can be had there for a good while; a short wait that it asked for is not it."""
        breaker_until = self.breaker.blocked_until(now.timestamp())
        deferred_until = self.deferred_until or now
        is_far = deferred_until - now > timedelta(seconds=LONGEST_PARK_S)
        return self.is_paused or breaker_until is not None or is_far

    def keys_aside(self, now: datetime) -> dict[str, str]:
        """The keys that are not to be used now: fingerprint → why."""
        moment = now.timestamp()
        found = self.refused_keys.items()
        return {key: one["reason"] for key, one in found if one["until"] > moment}

    def set_key_aside(self, key_id: str, *, until: datetime, reason: str) -> None:
        """Remember one refusal, in place of an earlier one of the same key."""
        one = {"until": until.timestamp(), "reason": reason}
        self.refused_keys = {**self.refused_keys, key_id: one}

    def defer(self, until: datetime, reason: str) -> None:
        """Hold the lane; the longest demand wins."""
        if self.deferred_until is None or until > self.deferred_until:
            self.deferred_until = until.astimezone(UTC)
            self.deferred_reason = reason[:100]
