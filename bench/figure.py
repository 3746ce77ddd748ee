"""One measured quantity of one contestant: every run's value, and what it should be."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`values`: one for each run, in `unit`. `measure` names the row of the table.

    goal: the bound that the median must keep; None where nothing is promised, as for peers.
    ideal: what no machine could beat. is_rate: more is better.
    """

    measure: str
    contestant: str
    unit: str
    values: tuple[float, ...]
    goal: float | None = None
    ideal: float | None = None
    is_rate: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """None: there is no goal."""
        if self.goal is None:
            return None
        return self.median >= self.goal if self.is_rate else self.median <= self.goal

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        return cls(**{**row, "values": tuple(row["values"])})


def percentile(samples: list[float], share: float) -> float:
    """The nearest-rank percentile: a value that was measured, none between two."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
