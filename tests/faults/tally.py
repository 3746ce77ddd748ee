"""What came of the soak's rounds: counted at the very end, from the database and the provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.deployment import Deployment
from tests.faults.installation import moment

# Excused: attempts whose answer never came (`unknown`) or came when the lease was gone.
_ROWS = """
SELECT t.prompt, t.status, t.result, t.created_at, t.finished_at,
       (SELECT count(*) FROM tasks_attempt a WHERE a.task_id = t.id),
       (SELECT count(*) FROM tasks_attempt a WHERE a.task_id = t.id
        AND (a.outcome = 'unknown' OR a.is_late))
FROM tasks_task t
"""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One strike. Its tasks' prompts are "NAME 0" to "NAME TASKS-1"."""

    kind: str
    name: str
    tasks: int
    struck_at: datetime

    def prompts(self) -> list[str]:
        return [f"{self.name} {number}" for number in range(self.tasks)]


@dataclass(kw_only=True)
class Tally:
    """One kind of strike, or all.

    lost: tasks that did not end, or not with their own answer. duplicates: calls beyond one for
    each task. over_bound: tasks with more calls than attempts written down, or with one that no
    unanswered or late attempt excuses. worst_s: from the strike, or a later submit, to the end.
    """

    kind: str
    rounds: int = 0
    tasks: int = 0
    lost: int = 0
    calls: int = 0
    duplicates: int = 0
    over_bound: int = 0
    worst_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        return self.tasks > 0 and self.lost == 0 and self.over_bound == 0

    def count(self, struck: Round, prompt: str, row: tuple[Any, ...] | None, calls: int) -> None:
        self.tasks += 1
        self.calls += calls
        self.duplicates += max(0, calls - 1)
        if row is None:
            self.lost += 1
            return
        _, status, result, created, finished, attempts, excused = row
        self.over_bound += calls > min(attempts, 1 + excused)
        self.lost += status != "COMPLETED" or result != f"Answer to: {prompt}"
        if finished is not None:
            began = max(struck.struck_at, moment(created))
            self.worst_s = max(self.worst_s, (moment(finished) - began).total_seconds())


def tally(rounds: Iterable[Round], deployment: Deployment, calls: Mapping[str, int]) -> list[Tally]:
    """One tally for each kind that was struck, then one for all. calls: by prompt."""
    rows: dict[str, tuple[Any, ...]] = {}
    strangers = 0
    for row in deployment.query(_ROWS):
        strangers += row[0] in rows  # a submit that was doubled
        rows[row[0]] = row
    kinds: dict[str, Tally] = {}
    total = Tally(kind="**all**", over_bound=strangers)
    for struck in rounds:
        own = kinds.setdefault(struck.kind, Tally(kind=struck.kind))
        for each in (own, total):
            each.rounds += 1
            for prompt in struck.prompts():
                each.count(struck, prompt, rows.get(prompt), calls.get(prompt, 0))
    return [*kinds.values(), total]
