"""Figures per provider, and errors by class, from the groups of finished tasks.

The mock is a provider of its own here: its answers count toward nobody's success or cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tasks.stats.calls import CallGroup
from tasks.stats.finished import RUN, WAIT, FinishedGroup, LatencyGroup
from tasks.stats.latency import Histogram, percentile_s
from tasks.stats.past import Past
from tasks.vocabulary import Outcome, Provider, ResultSource, Status


@dataclass(frozen=True, kw_only=True)
class ProviderFigures:
    """What one provider did in the range. `success_percent` is None if it ended nothing.

    `fallbacks` and `cached` are parts of `completed`. Times are seconds, percentiles within 5 %.
    `calls`, tokens and cost are of every call, the failed ones too, whoever answered in the end.
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
    wait_p99_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None
    run_p99_s: float | None
    calls: int
    failed_calls: int
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


@dataclass(frozen=True, kw_only=True)
class ModelFigures:
    """What the calls of one model used and cost in the range. `answered`: tasks that it ended."""

    provider: str
    model: str
    answered: int
    calls: int
    failed_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    unpriced: int


def provider_figures(past: Past) -> tuple[ProviderFigures, ...]:
    """One row a provider that ended something or was called, the busiest first, the mock last."""
    names = {g.provider for g in past.finished if g.status != Status.CANCELLED}
    names |= {call.provider for call in past.calls}
    rows = [_figures(name, past) for name in sorted(names)]
    return tuple(sorted(rows, key=lambda row: (row.is_mock, -(row.completed + row.failed))))


def model_figures(
    calls: Iterable[CallGroup], answered: Mapping[str, int]
) -> tuple[ModelFigures, ...]:
    """One row a model that was called, the dearest first. The mock is no model."""
    own: dict[tuple[str, str], list[CallGroup]] = {}
    for call in calls:
        if call.provider != Provider.MOCK:
            own.setdefault((call.provider, call.model), []).append(call)
    rows = [
        ModelFigures(
            provider=provider,
            model=model,
            answered=answered.get(f"{provider}/{model}", 0),
            calls=_calls(group),
            failed_calls=_calls(group, Outcome.FAILED),
            prompt_tokens=sum(call.prompt_tokens for call in group),
            completion_tokens=sum(call.completion_tokens for call in group),
            cost_usd=total_cost(group),
            unpriced=sum(call.unpriced for call in group),
        )
        for (provider, model), group in own.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.cost_usd, -row.calls, row.model)))


def total_cost(calls: Iterable[CallGroup]) -> Decimal:
    """What real providers were paid for these calls."""
    return sum((call.cost_usd for call in calls if call.provider != Provider.MOCK), Decimal(0))


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


def _figures(name: str, past: Past) -> ProviderFigures:
    own = [group for group in past.finished if group.provider == name]
    calls = [call for call in past.calls if call.provider == name]
    completed, failed = _count(own, Status.COMPLETED), _count(own, Status.FAILED)
    wait, run = (_histogram(name, kind, past.latencies) for kind in (WAIT, RUN))
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
        wait_p99_s=percentile_s(wait, 0.99),
        run_p50_s=percentile_s(run, 0.5),
        run_p95_s=percentile_s(run, 0.95),
        run_p99_s=percentile_s(run, 0.99),
        calls=_calls(calls),
        failed_calls=_calls(calls, Outcome.FAILED),
        cost_usd=total_cost(calls),
        unpriced=sum(call.unpriced for call in calls),
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
    )


def _histogram(name: str, kind: str, groups: Iterable[LatencyGroup]) -> Histogram:
    found: Counter[int] = Counter()
    for group in groups:
        if group.provider == name and group.kind == kind:
            found[group.latency] += group.count
    return found


def _calls(groups: Iterable[CallGroup], outcome: Outcome | None = None) -> int:
    return sum(group.count for group in groups if outcome in (None, group.outcome))


def _count(groups: Iterable[FinishedGroup], status: Status) -> int:
    return sum(group.count for group in groups if group.status == status)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
