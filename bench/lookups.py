"""`python -m bench.lookups`: stats, lists, filters and pages over a million tasks, both databases.

Prints the median of each look in milliseconds, and what missed its goal.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator

from bench.databases import Kind, work_folder
from bench.installation import deployment_on, start_probe
from bench.probe import Probe

_STATS_GOAL_MS = 100
_PAGE_GOAL_MS = 200
_FILL_TIMEOUT_S = 1800
_RANGES = ("1h", "24h", "7d", "30d")
_LIST = "/admin/tasks/task/"
_QUERIES = (
    "", "p=2", "p=100", "p=200", "o=1", "o=-1", "o=8", "o=-8",
    "status__exact=COMPLETED", "status__exact=FAILED", "status__exact=PENDING",
    "status__exact=PROCESSING", "status__exact=CANCELLED", "status__exact=COMPLETED&p=200",
    "status__exact=COMPLETED&o=-8", "provider__exact=openai", "provider__exact=local",
    "provider__exact=openai&status__exact=FAILED", "provider__exact=openai&p=200",
    "result_source__exact=mock", "result_source__exact=fallback", "result_source__exact=cache",
    "result_source__exact=provider", "finished=1h", "finished=24h", "finished=7d", "finished=30d",
    "created=1h", "created=30d", "status__exact=FAILED&finished=24h",
    "status__exact=FAILED&finished=30d", "error=timeout", "error=rate_limited",
    "error=timeout&finished=24h", "waiting=due", "waiting=later", "urgency=high", "q=prompt",
    "q=nowhere", "served=openai", "served=local", "served=openai&finished=24h",
    "error=timeout&finished=1h", "result_source__exact=mock&finished=24h", "urgency=low&p=50",
    "q=500000", "q=order-500000", "finished=24h&o=8", "created=30d&o=1",
)  # fmt: skip


def main() -> int:
    options = _parse()
    missed = []
    for kind in options.kinds:
        print(f"\n{kind}, {options.tasks:,} ended tasks, medians of {options.runs}", flush=True)
        for what, goal_ms, took_ms in _measure(kind, options.tasks, options.runs):
            mark = "" if took_ms <= goal_ms else f"  MISSED {goal_ms} ms"
            print(f"  {took_ms:8.1f} ms  {what}{mark}", flush=True)
            missed += [what] if mark else []
    print(f"\n{len(missed)} missed")
    return 1 if missed else 0


def _measure(kind: Kind, tasks: int, runs: int) -> Iterator[tuple[str, int, float]]:
    with work_folder() as folder, deployment_on(kind, folder) as deployment:
        with start_probe(deployment, "month") as month:
            month.ask(_FILL_TIMEOUT_S, ended=tasks)
        with start_probe(deployment, "look") as look:
            for user in ("admin", "second"):
                for word in _RANGES:
                    order = {"stats": word, "user": user}
                    yield f"figures {word} for {user}", _STATS_GOAL_MS, _median(look, runs, order)
            for query in _QUERIES:
                took_ms = _median(look, runs, {"path": f"{_LIST}?{query}"})
                yield f"list ?{query}", _PAGE_GOAL_MS, took_ms
                if took_ms > _PAGE_GOAL_MS:
                    for line in look.ask(path=f"{_LIST}?{query}", explain=True):
                        print(f"      {line}", file=sys.stderr)


def _median(look: Probe, runs: int, order: dict[str, str]) -> float:
    look.ask(**order)  # statements and pages are warm, as on a server that runs
    return statistics.median(look.ask(**order) for _ in range(runs))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--database", choices=[kind.name.lower() for kind in Kind])
    options = parser.parse_args()
    options.kinds = [k for k in Kind if options.database in (None, k.name.lower())]
    return options


if __name__ == "__main__":
    sys.exit(main())
