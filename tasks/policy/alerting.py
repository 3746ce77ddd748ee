"""When an alert fires and when it is over: only what holds for a while counts, either way.

    quiet ── bad for as long as `for_s` ──> firing ── clear for as long ──> quiet
Bad and clear have a gap between them, so a figure at the edge changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

CLEAR_SHARE = 0.8
"""A figure is clear again below this share of its limit."""


class Change(StrEnum):
    """What people are told of."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`turning_since`: since when things have looked the other way; None: they do not."""

    is_firing: bool = False
    turning_since: float | None = None

    def step(
        self, *, is_bad: bool, is_clear: bool, now: float, for_s: float
    ) -> tuple[Self, Change | None]:
        """The standing after a look, and what changed with it. Moments are seconds."""
        if not (is_clear if self.is_firing else is_bad):
            return replace(self, turning_since=None), None
        since = now if self.turning_since is None else self.turning_since
        if now - since < for_s:
            return replace(self, turning_since=since), None
        change = Change.RESOLVED if self.is_firing else Change.FIRED
        return replace(self, is_firing=not self.is_firing, turning_since=None), change


def judge_limit(value: float | None, limit: float) -> tuple[bool, bool]:
    """(is bad, is clear) of a figure that should stay below its limit; None is no figure."""
    if value is None:
        return False, True
    return value >= limit, value < limit * CLEAR_SHARE
