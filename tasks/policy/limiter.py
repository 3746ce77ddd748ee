"""Token buckets for requests and tokens a minute, as values that all workers share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

_BURST_SHARE = 0.1
_MINUTE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most `capacity` at once, refilled by `per_s`."""

    capacity: float
    per_s: float

    @classmethod
    def per_minute(cls, count: int) -> Self:
        """A tenth of the limit may go at once, and no minute sees more than `count`.

        The price is a steady rate a tenth below the limit. Raises: ValueError below 1.
        """
        if count < 1:
            raise ValueError("a limit is at least 1 a minute")
        capacity = max(1.0, count * _BURST_SHARE)
        return cls(capacity=capacity, per_s=max(count - capacity, min(count, 1)) / _MINUTE_S)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What was left at a moment; below 0 when a taking turned out bigger than thought."""

    level: float
    at: float


def full(limit: Limit, now: float) -> Bucket:
    """The bucket of a lane that has been silent for long."""
    return Bucket(level=limit.capacity, at=now)


def take(limit: Limit, bucket: Bucket, count: float, now: float) -> tuple[Bucket, float]:
    """Take `count` now, or nothing: the bucket, and how many seconds to wait before asking again.

    More than the bucket can hold is taken from a full one and leaves a debt, so that a single
    huge request is slow for the others, but not stuck.
    """
    level = _level(limit, bucket, now)
    moment = max(now, bucket.at)  # a clock that steps back must not refill twice
    needed = min(count, limit.capacity)
    if level >= needed:
        return Bucket(level=level - count, at=moment), 0.0
    return Bucket(level=level, at=moment), (needed - level) / limit.per_s


def give_back(bucket: Bucket, count: float) -> Bucket:
    """Correct an estimate: `count` was taken too much, or too little if negative."""
    return replace(bucket, level=bucket.level + count)


def _level(limit: Limit, bucket: Bucket, now: float) -> float:
    refilled = bucket.level + max(0.0, now - bucket.at) * limit.per_s
    return min(limit.capacity, refilled)
