"""The tables of the rollups: by what each tells its rows apart, and what it adds up."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from tasks.models import (
    CallDay,
    CallHour,
    EndedDay,
    EndedHour,
    LatencyDay,
    LatencyHour,
    TallyDay,
    TallyHour,
)


@dataclass(frozen=True)
class Rollup:
    """A table by the hour, and one by the day with the sums of the other."""

    hours: type[models.Model]
    days: type[models.Model]
    keys: tuple[str, ...]
    sums: tuple[str, ...]


ENDED = Rollup(EndedHour, EndedDay, ("provider", "source", "status", "error_code"), ("count",))
LATENCIES = Rollup(LatencyHour, LatencyDay, ("kind", "provider", "latency"), ("count",))
TALLIES = Rollup(
    TallyHour, TallyDay, ("kind", "key"), ("completed", "failed", "cost_units", "run_ms")
)
CALLS = Rollup(
    CallHour,
    CallDay,
    ("provider", "model", "outcome"),
    ("count", "cost_units", "unpriced", "prompt_tokens", "completion_tokens"),
)
ALL = (ENDED, LATENCIES, TALLIES, CALLS)
