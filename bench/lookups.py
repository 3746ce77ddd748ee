"""`python -m bench.lookups`: stats, and every list of the admin, over a million rows each.

Every filter with every order, each on its first, second and last page; then the filters by two; the
list of one's own tasks by all that the stats page links to; both databases. Prints the slowest
looks in milliseconds, and all that missed their goal.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from itertools import combinations

from bench.databases import Kind, work_folder
from bench.installation import deployment_on, start_probe
from bench.probe import Probe

_STATS_GOAL_MS = 100
_PAGE_GOAL_MS = 200
_FILL_TIMEOUT_S = 3600
_RANGES = ("1h", "24h", "7d", "30d")
_TASKS = "/admin/tasks/task/"
_OWN = "/tasks/"
_LISTS = {
    _TASKS: ("q=prompt", "q=nowhere", "q=500000", "q=order-500000", "q=admin"),
    "/admin/tasks/batch/": ("q=batch+500",),
    "/admin/tasks/prompttemplate/": ("q=template-500",),
    "/admin/tasks/webhookendpoint/": (),
    "/admin/tasks/webhookdelivery/": ("endpoint__id__exact=1",
                                      "endpoint__id__exact=1&state__exact=failed"),
    "/admin/tasks/auditentry/": ("q=admin", "q=nobody", "q=task+500"),
    "/admin/tasks/apikey/": ("q=key+500",),
    "/admin/tasks/worker/": (),
}  # fmt: skip
_FEW = 10_000


def main() -> int:
    options = _parse()
    missed = 0
    for kind in options.kinds:
        print(f"\n{kind}, {options.tasks:,} ended tasks, medians of {options.runs}", flush=True)
        looks = sorted(_measure(kind, options), key=lambda look: look[2] / look[1], reverse=True)
        late = [look for look in looks if look[2] > look[1]]
        for what, goal_ms, took_ms in looks[: max(len(late), options.shown)]:
            mark = f"  MISSED {goal_ms} ms" if took_ms > goal_ms else ""
            print(f"  {took_ms:8.1f} ms  {what}{mark}", flush=True)
        print(f"  {len(looks)} looks, {len(late)} missed", flush=True)
        missed += len(late)
    return 1 if missed else 0


def _measure(kind: Kind, options: argparse.Namespace) -> Iterator[tuple[str, int, float]]:
    with work_folder() as folder, deployment_on(kind, folder) as deployment:
        with start_probe(deployment, "rooms") as rooms:
            rooms.ask(_FILL_TIMEOUT_S, few=min(_FEW, options.tasks), many=options.tasks)
        with start_probe(deployment, "month") as month:
            month.ask(_FILL_TIMEOUT_S, ended=options.tasks)
        with start_probe(deployment, "look") as look:
            for user in ("admin", "second"):
                for word in _RANGES:
                    took_ms = _median(look, options.runs, {"stats": word, "user": user})
                    yield f"figures {word} for {user}", _STATS_GOAL_MS, took_ms
            with start_probe(deployment, "choices") as choices:
                for path in _LISTS:
                    for query in _queries(choices, path):
                        where = f"{path}?{query}"
                        took_ms = _page_ms(look, options.runs, where)
                        if took_ms > _PAGE_GOAL_MS:
                            _explain(look, where, took_ms)
                        yield where, _PAGE_GOAL_MS, took_ms
            with start_probe(deployment, "links") as links:
                yield from _own_lists(look, links, options.runs)


def _own_lists(look: Probe, links: Probe, runs: int) -> Iterator[tuple[str, int, float]]:
    """Those of somebody with nine tenths of all tasks, and with one; first and second page."""
    for query in _own_queries(links):
        for user in ("admin", "second"):
            first = f"{_OWN}?{query}"
            following = links.ask(user=user, path=first, pattern=r"(\?[^\"]*beyond=[^\"]*)")
            for where in (first, *(f"{_OWN}{link}" for link in following)):
                took_ms = _page_ms(look, runs, where, user)
                yield f"{where} for {user}", _PAGE_GOAL_MS, took_ms


def _own_queries(links: Probe) -> Iterator[str]:
    found = {"": None}
    for word in _RANGES:
        page = f"/stats/?range={word}"
        found |= dict.fromkeys(links.ask(user="second", path=page, pattern=rf"{_OWN}\?([^\"]*)"))
    for query in found:
        yield query
        if "o=1" not in query.split("&"):
            yield f"{query}&o=1".lstrip("&")


def _queries(choices: Probe, path: str) -> Iterator[str]:
    """All that the list offers, and some searches."""
    offered = choices.ask(path=path)
    filters, sorts = offered["filters"], offered["sorts"]
    single = ["", *(query for queries in filters.values() for query in queries), *_LISTS[path]]
    for query in single:
        for sort in ["", *sorts]:
            both = "&".join(filter(None, (query, sort)))
            yield both
            pages = choices.ask(path=f"{path}?{both}")["pages"]
            for page in {2, pages} - {1, 0}:
                if page <= pages:
                    yield f"{both}&p={page}"
    for some, others in combinations(filters.values(), 2):
        for one in some:
            yield from (f"{one}&{other}" for other in others)


def _page_ms(look: Probe, runs: int, path: str, user: str = "admin") -> float:
    """The second look; the median of `runs` more if that one was near the goal."""
    order = {"path": path, "user": user}
    look.ask(**order)
    took_ms: float = look.ask(**order)
    return took_ms if took_ms < _PAGE_GOAL_MS / 2 else _median(look, runs, order)


def _median(look: Probe, runs: int, order: dict[str, str]) -> float:
    look.ask(**order)  # statements and pages are warm, as on a server that runs
    return statistics.median(look.ask(**order) for _ in range(runs))


def _explain(look: Probe, path: str, took_ms: float) -> None:
    print(f"  {path}: {took_ms:.0f} ms", file=sys.stderr)
    for line in look.ask(path=path, explain=True):
        print(f"      {line}", file=sys.stderr)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shown", type=int, default=12, help="of the slowest")
    parser.add_argument("--database", choices=[kind.name.lower() for kind in Kind])
    options = parser.parse_args()
    options.kinds = [k for k in Kind if options.database in (None, k.name.lower())]
    return options


if __name__ == "__main__":
    sys.exit(main())
