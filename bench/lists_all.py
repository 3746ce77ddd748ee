"""`python -m bench.lists_all ADDRESS`: pages of the API's list, by all that it can be asked for.

Every filter and every two of them, in every order; first, second and last page, the last one from
both sides; for staff, the owner of a tenth and the owner of all the rest. The database at ADDRESS
is filled the first time, and kept. Prints the slowest pages, and all over the goal.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from urllib.parse import urlencode

from bench.databases import work_folder
from bench.installation import start_probe
from bench.probe import Probe
from tests.deployment import Deployment, prepare_database

_GOAL_MS = 50
_FILL_TIMEOUT_S = 3600
_ORDERINGS = [
    f"ordering={sign}{name}"
    for name in ("id", "created_at", "updated_at", "started_at", "finished_at", "priority")
    for sign in ("", "-")
]
_FILTERS = {
    "status": (
        "PENDING",
        "PROCESSING",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "FAILED&status=PENDING",
    ),
    "provider": ("openai", "local", "openai&provider=anthropic"),
    "model": ("gpt-6-luna", "nothing"),
    "priority": ("9",),
    "priority__gte": ("9",),
    "priority__lte": ("2",),
    "tag": ("nightly", "nowhere"),
    "batch": ("1", "2", "999999"),  # of a tenth of all tasks, of a thousandth, none
    "template": ("summarise", "summarise@1", "nowhere"),
    "result_source": ("provider", "mock", "cache"),
    "error_code": ("timeout", "nowhere"),
    "truncated": ("true", "false"),
    "search": ("prompt", "500000", "nowhere"),
}
_CALLERS = (("admin", True), ("second", False), ("admin", False))


@dataclass(frozen=True, kw_only=True, order=True)
class Look:
    """Medians of some looks at one page."""

    ms: float
    cpu_ms: float
    rows: int
    caller: str
    query: str

    @property
    def is_late(self) -> bool:
        return self.ms > _GOAL_MS

    def __str__(self) -> str:
        mark = f"  over {_GOAL_MS} ms" if self.is_late else ""
        times = f"{self.ms:8.1f} ms {self.cpu_ms:8.1f} ms CPU"
        return f"{times} {self.rows:4} tasks  {self.caller}: {self.query}{mark}"


def main() -> int:
    """Exit 1 if a page is over the goal."""
    options = _parse()
    if options.fill:
        prepare_database(options.address)
    with work_folder() as folder, Deployment.over(options.address, folder) as deployment:
        deployment.environment["LOG_LEVEL"] = "WARNING"
        if options.fill:
            with start_probe(deployment, "shelves") as shelves:
                shelves.ask(_FILL_TIMEOUT_S, ended=options.fill)
        times = _times(deployment)
        queries = {one: how for one, how in _queries(times) if re.search(options.only, one)}
        with start_probe(deployment, "page") as probe:
            looks = sorted(_measure(probe, queries, options), reverse=True)
    late = [look for look in looks if look.is_late]
    print(*looks[: max(len(late), options.shown)], sep="\n")
    busy = sum(look.cpu_ms > _GOAL_MS for look in looks)
    print(f"{len(looks)} pages, {len(late)} over {_GOAL_MS} ms, {busy} of them by CPU alone")
    return 1 if late else 0


def _measure(probe: Probe, queries: dict[str, bool], options: argparse.Namespace) -> Iterator[Look]:
    for user, is_staff in _CALLERS:
        probe.ask(user=user, is_staff=is_staff)
        probe.ask(user=user, looks=3)  # statements and pages are warm
        caller = f"{user}, staff" if is_staff else user
        for number, (query, is_pair) in enumerate(queries.items(), 1):
            pages = [query] if is_pair else probe.ask(user=user, query=query)
            for page in pages:
                look = _look(probe, user, page, options.runs)
                made = Look(**look, caller=caller, query=page)
                if made.is_late:
                    print(made, f"({number} of {len(queries)})", file=sys.stderr, flush=True)
                yield made
    probe.ask(user="admin", is_staff=True)


def _look(probe: Probe, user: str, query: str, runs: int) -> dict[str, float]:
    """The first look; the median of `runs` more if that one was near the goal."""
    look: dict[str, float] = probe.ask(user=user, query=query, looks=1)
    if look["ms"] < _GOAL_MS * 0.8:
        return look
    found: dict[str, float] = probe.ask(user=user, query=query, looks=runs)
    return found


def _queries(times: list[str]) -> Iterator[tuple[str, bool]]:
    """All tasks, then one filter, then two of different names; each in every order. Is it two?"""
    filters = [[f"{name}={value}" for value in values] for name, values in _FILTERS.items()]
    filters.append(times)
    alone = ["", *(one for some in filters for one in some)]
    pairs = [
        f"{one}&{other}"
        for some, others in combinations(filters, 2)
        for one in some
        for other in others
    ]
    for wanted in alone + pairs:
        for ordering in _ORDERINGS:
            yield "&".join(filter(None, (wanted, ordering))), wanted in pairs


def _times(deployment: Deployment) -> list[str]:
    """The last day of the tasks, ten days in the midst of them, and the first five days."""
    newest = datetime.fromisoformat(
        str(deployment.query("SELECT max(created_at) FROM tasks_task")[0][0])
    )
    newest = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
    ago = [(newest - timedelta(days=days)).isoformat() for days in (1, 10, 20, 25)]
    return [
        urlencode({"created_after": ago[0]}),
        urlencode({"created_after": ago[2], "created_before": ago[1]}),
        urlencode({"created_before": ago[3]}),
    ]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="as in DATABASE_URL; a PostgreSQL database must exist")
    parser.add_argument("--fill", type=int, metavar="TASKS", help="first fill the empty database")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shown", type=int, default=12, help="of the slowest")
    parser.add_argument("--only", default="", help="queries that this pattern is found in")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
