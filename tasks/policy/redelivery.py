"""After a webhook was not taken: when to try again, or never."""

from __future__ import annotations

from collections.abc import Callable

_WAITS_S = (5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000)
_JITTER = 0.2

MOST_TRIES = len(_WAITS_S) + 1


def decide_redelivery(tries: int, random: Callable[[], float]) -> float | None:
    """Seconds until the next try after `tries` of them, 18 hours in all, a fifth more or less by
    chance; None: give up."""
    if tries >= MOST_TRIES:
        return None
    return _WAITS_S[tries - 1] * (1 + _JITTER * (2 * random() - 1))
