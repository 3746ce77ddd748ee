"""What came of a run in which every fault of a provider was met: counted from both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.deployment import Deployment
from tests.faults.provider_faults import KINDS, REFUSED_CONNECTION

_TASKS = """
SELECT prompt, status, result, error_code, truncated, cost_usd, waiting_reason FROM tasks_task
"""
_ATTEMPTS = """
SELECT t.prompt, a.provider, a.outcome, a.error_code FROM tasks_attempt a
JOIN tasks_task t ON t.id = a.task_id ORDER BY a.task_id, a.number
"""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A task, whom it asks, and what its calls meet one after another; the last is its end."""

    prompt: str
    asked: str
    meets: list[str]


@dataclass(kw_only=True)
class MixTally:
    """The run in figures. misjudged: attempts that carry another error than the fault that they
    met. over_bound: tasks that were called beyond their end, or oftener than was written down."""

    tasks: int
    calls: int
    took_s: float
    parked: int
    retries: int = 0
    failovers: int = 0
    lost: list[str] = field(default_factory=list)
    wrongly_completed: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    over_bound: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def is_clean(self) -> bool:
        troubles = self.lost + self.wrongly_completed + self.misjudged + self.over_bound
        return self.tasks > 0 and not troubles

    def render(self) -> str:
        """Two Markdown tables: the run, and each fault."""
        lines = [
            "| tasks | calls | retries | failovers | parked | lost | wrongly completed "
            "| misjudged | over the bound | took |",
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
            f"| {self.tasks} | {self.calls} | {self.retries} | {self.failovers} | {self.parked} "
            f"| {len(self.lost)} | {len(self.wrongly_completed)} | {len(self.misjudged)} "
            f"| {len(self.over_bound)} | {self.took_s:.0f} s |",
            "",
            "| the call met | row | times | and was taken as |",
            "|---|---|--:|---|",
        ]
        for name in [*KINDS, REFUSED_CONNECTION]:
            row = KINDS[name].row if name in KINDS else "V3"
            taken = ", ".join(sorted(self.outcomes[name])) or "-"
            lines.append(f"| {name} | {row} | {self.met[name]} | {taken} |")
        return "\n".join(lines) + "\n"


def tally(
    planned: Iterable[Planned],
    deployment: Deployment,
    log: Sequence[Mapping[str, Any]],
    *,
    parked: int,
    took_s: float,
) -> MixTally:
    """log: the requests that reached the provider."""
    rows = {row[0]: row[1:] for row in deployment.query(_TASKS)}
    attempts: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for prompt, *attempt in deployment.query(_ATTEMPTS):
        attempts[prompt].append(tuple(attempt))
    calls = Counter(request["prompt"] for request in log)
    listed = list(planned)
    found = MixTally(tasks=len(listed), calls=len(log), took_s=took_s, parked=parked)
    for one in listed:
        _count_end(found, one, rows.get(one.prompt))
        _count_calls(found, one, attempts[one.prompt], calls[one.prompt])
    return found


def _count_end(found: MixTally, planned: Planned, row: Sequence[Any] | None) -> None:
    end = KINDS[planned.meets[-1]]
    if row is None or row[0] not in ("COMPLETED", "FAILED"):
        found.lost.append(f"{planned} {row}")
        return
    status, result, code, truncated, cost, _ = row
    if status == "FAILED":
        if code != end.code:  # an answer was to be had, or another error was the last
            found.lost.append(f"{planned} {row}")
        return
    text = end.behaviour.text or f"Answer to: {planned.prompt}"
    is_cut = end.behaviour.finish_reason == "length"
    is_right = not end.code and result == text and bool(truncated) is is_cut
    if not is_right or (cost is None) is end.behaviour.has_usage:
        found.wrongly_completed.append(f"{planned} {row}")


def _count_calls(
    found: MixTally, planned: Planned, attempts: Sequence[tuple[str, str, str]], calls: int
) -> None:
    before = ""
    reached = iter(planned.meets)
    for provider, outcome, code in attempts:
        found.failovers += before not in ("", provider)
        found.retries += before == provider
        before = provider
        name = REFUSED_CONNECTION if provider == "local" else next(reached, "answer")
        expected = KINDS[name].code if name in KINDS else "connection_failed"
        found.met[name] += 1
        found.outcomes[name][f"{outcome} ({code})" if code else outcome] += 1
        if code != expected:
            found.misjudged.append(f"{planned}: {name} as {outcome} {code}")
    sent = sum(provider != "local" for provider, _, _ in attempts)
    if calls != sent or calls > len(planned.meets):
        found.over_bound.append(f"{planned}: {calls} calls, {sent} attempts")
