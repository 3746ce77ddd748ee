"""Figures per provider, and errors by class, from the groups of finished tasks.

The mock is a provider of its own here: its answers count toward nobody's success or cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.stats.finished import FinishedGroup, Histogram, percentile_s
from tasks.vocabulary import Provider, ResultSource, Status


@dataclass(frozen=True, kw_only=True)
class ProviderFigures:
    """What one provider did in the range. `success_percent` is None if it ended nothing.

    `fallbacks` and `cached` are parts of `completed`. Times are seconds, percentiles within 5 %.
    `unpriced`: answers whose cost is not known; they are not in `cost_usd`.
    """

    provider: str
    is_mock: bool
    completed: int
    failed: int
    fallbacks: int
    cached: int
    success_percent: float | None
    wait_p50_s: float | None
    wait_p95_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None
    cost_usd: Decimal
    unpriced: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, kw_only=True)
class ErrorFigures:
    """How many tasks FAILED with one error at one provider."""

    provider: str
    code: str
    count: int


def provider_figures(
    groups: Sequence[FinishedGroup],
    waits: Mapping[str, Histogram],
    runs: Mapping[str, Histogram],
) -> tuple[ProviderFigures, ...]:
    """One row a provider that completed or failed something, the busiest first, the mock last."""
    names = {g.provider for g in groups if g.status != Status.CANCELLED}
    rows = [
        _figures(name, groups, waits.get(name, {}), runs.get(name, {})) for name in sorted(names)
    ]
    return tuple(sorted(rows, key=lambda row: (row.is_mock, -(row.completed + row.failed))))


def error_figures(groups: Iterable[FinishedGroup]) -> tuple[ErrorFigures, ...]:
    """The most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    for group in groups:
        if group.status == Status.FAILED:
            counts[group.provider, group.error_code] += group.count
    return tuple(
        ErrorFigures(provider=provider, code=code, count=count)
        for (provider, code), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def failed_percent(groups: Iterable[FinishedGroup]) -> float | None:
    """FAILED among what real providers ended; None if they ended nothing."""
    real = [group for group in groups if group.provider != Provider.MOCK]
    completed = _count(real, Status.COMPLETED)
    failed = _count(real, Status.FAILED)
    return _percent(failed, completed + failed)


def _figures(
    name: str, groups: Iterable[FinishedGroup], wait: Histogram, run: Histogram
) -> ProviderFigures:
    own = [group for group in groups if group.provider == name]
    completed, failed = _count(own, Status.COMPLETED), _count(own, Status.FAILED)
    return ProviderFigures(
        provider=name,
        is_mock=name == Provider.MOCK,
        completed=completed,
        failed=failed,
        fallbacks=sum(g.count for g in own if g.source == ResultSource.FALLBACK),
        cached=sum(g.count for g in own if g.source == ResultSource.CACHE),
        success_percent=_percent(completed, completed + failed),
        wait_p50_s=percentile_s(wait, 0.5),
        wait_p95_s=percentile_s(wait, 0.95),
        run_p50_s=percentile_s(run, 0.5),
        run_p95_s=percentile_s(run, 0.95),
        cost_usd=sum((g.cost_usd for g in own), Decimal(0)),
        unpriced=sum(g.unpriced for g in own),
        prompt_tokens=sum(g.prompt_tokens for g in own),
        completion_tokens=sum(g.completion_tokens for g in own),
    )


def _count(groups: Iterable[FinishedGroup], status: Status) -> int:
    return sum(group.count for group in groups if group.status == status)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
