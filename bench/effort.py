"""How much to measure: the full counts that the goals speak of, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Counts of tasks, samples and rows; `runs` of each measurement, whose median counts."""

    runs: int
    few_calls: int = 500
    many_calls: int = 5_000
    noops: int = 10_000
    pickups: int = 120
    idle_s: float = 10.0
    finished: int = 1_000_000
    waiting: int = 100_000
    due: int = 10_000
    claims_a_run: int = 12
    ordered: int = 4_000
    batch_lines: int = 50_000
    door_s: float = 3.0
    looks: int = 21
    peer_noops: int = 500
    peer_pickups: int = 40
    stock_calls: int = 20

    @classmethod
    def quick(cls) -> Effort:
        """Minutes instead of half an hour. Its figures show that all works, no more."""
        return cls(
            runs=1, many_calls=1_000, noops=3_000, pickups=50, idle_s=5.0, finished=50_000,
            waiting=10_000, due=4_000, ordered=1_000, batch_lines=10_000, door_s=2.0, looks=4,
            peer_noops=200, peer_pickups=20, stock_calls=12,
        )  # fmt: skip
