"""What one provider may be asked in a minute: requests and tokens, taken together or not at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from tasks.policy.limiter import Bucket, Limit, full, give_back, take

_BYTES_A_TOKEN = 4
_TOKENS_AROUND_A_PROMPT = 8
_GUESSED_ANSWER_TOKENS = 1024


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The limits of one provider; None is no limit."""

    requests: int | None = None
    tokens: int | None = None

    def __bool__(self) -> bool:
        return self.requests is not None or self.tokens is not None


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What is left of both buckets; None: not used yet, so full."""

    requests: Bucket | None = None
    tokens: Bucket | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises: KeyError or TypeError for data that `to_json` never gave."""
        return cls(**{name: Bucket(**one) for name, one in data.items() if one is not None})


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Too much for now: seconds until the same may be asked again, and which limit says so."""

    seconds: float
    reason: str


def spend(quota: Quota, fill: Fill, tokens: int, now: float) -> Fill | Wait:
    """What is left after one request of so many tokens; or how long it waits, nothing taken."""
    requests, requests_wait_s = _taken(quota.requests, fill.requests, 1, now)
    left_tokens, tokens_wait_s = _taken(quota.tokens, fill.tokens, tokens, now)
    if not requests_wait_s and not tokens_wait_s:
        return Fill(requests=requests, tokens=left_tokens)
    if requests_wait_s >= tokens_wait_s:
        reason = f"limit of {quota.requests} requests a minute"
        return Wait(seconds=requests_wait_s, reason=reason)
    return Wait(seconds=tokens_wait_s, reason=f"limit of {quota.tokens} tokens a minute")


def correct(fill: Fill, tokens_too_many: int) -> Fill:
    """The estimate was so many tokens too high; too low, if negative."""
    if fill.tokens is None:
        return fill
    return Fill(requests=fill.requests, tokens=give_back(fill.tokens, tokens_too_many))


def estimate_tokens(*, prompt: str, system: str, max_tokens: int | None) -> int:
    """What a call will count for: its text at four bytes a token, and the longest answer that it
    allows, as vendors reckon at its beginning; without `max_tokens` a usual answer's length."""
    text_bytes = len(prompt.encode(errors="replace")) + len(system.encode(errors="replace"))
    asked = -(-text_bytes // _BYTES_A_TOKEN) + _TOKENS_AROUND_A_PROMPT
    return asked + (max_tokens or _GUESSED_ANSWER_TOKENS)


def _taken(
    count_a_minute: int | None, bucket: Bucket | None, count: float, now: float
) -> tuple[Bucket | None, float]:
    if count_a_minute is None:
        return None, 0.0
    limit = Limit.per_minute(count_a_minute)
    return take(limit, bucket or full(limit, now), count, now)
