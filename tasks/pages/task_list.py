"""The list of one's own tasks, with the filters that the figures of the stats page link to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tasks.models import Task
from tasks.pages.how_to import how_to
from tasks.stats import StatsRange
from tasks.stats.behind import TIMES, TODAY, by_time, in_order, narrow
from tasks.vocabulary import Status

_A_PAGE = 50
_MOST_COUNTED = 10_000
_MOST_ID_DIGITS = 18
_SHOWN = (
    "id", "status", "prompt", "provider", "model", "served_provider", "served_model",
    "result_source", "error_code", "waiting_reason", "created_at",
)  # fmt: skip
_OWN = frozenset({"o", "beyond"})
_RANGES = {one.value: one.words for one in StatsRange} | {TODAY: "today, UTC"}
_LABELS = {
    "status__exact": "status",
    "result_source__exact": "source",
    "served": "answered by",
    "served_model": "model",
    "finished": "ended within",
    "finished_at__gte": "ended from",
    "finished_at__lt": "ended before",
    "waiting": "waiting",
    "waiting_reason__exact": "because of",
    "failed_at": "failed at",
}


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter in use. `without` is the query of the same list with this one taken away."""

    label: str
    word: str
    without: str


@never_cache
@require_safe
@login_required
def task_list(request: HttpRequest) -> HttpResponse:
    """Also for staff: all tasks are in the admin. 400 for a filter that is none.

    `o=1`: the oldest first. `beyond`: the number of the task that the page before ended with.
    """
    asked = request.GET.dict()
    words = {name: str(word) for name, word in asked.items() if word and name not in _OWN}
    rows, unknown = _narrowed(Task.objects.filter(owner_id=_user(request).pk), words)
    is_rising = request.GET.get("o") == "1"
    found = 0 if unknown else rows.order_by().values("pk")[: _MOST_COUNTED + 1].count()
    ordered = rows if unknown else in_order(rows, words, is_rising=is_rising)
    page = [] if unknown else _page(ordered, request.GET.get("beyond", ""), is_rising=is_rising)
    context = {
        "tasks": page[:_A_PAGE],
        "next": _query(request, beyond=str(page[_A_PAGE - 1].pk)) if len(page) > _A_PAGE else "",
        "is_first": not request.GET.get("beyond"),
        "first": _query(request),
        "is_rising": is_rising,
        "turned": _query(request, o="" if is_rising else "1"),
        "found": min(found, _MOST_COUNTED),
        "has_more": found > _MOST_COUNTED,
        "chips": [] if unknown else [_chip(request, *one) for one in words.items()],
        "kept": {k: v for k, v in words.items() if k not in ("status__exact", "finished")},
        "unknown": unknown,
        "asked": words,
        "statuses": list(Status),
        "ranges": _RANGES.items(),
    }
    status = 400 if unknown else 200
    return render(request, "pages/task_list.html", context | how_to(request), status=status)


def _narrowed(rows: QuerySet[Task], words: Mapping[str, str]) -> tuple[QuerySet[Task], str]:
    """The tasks that meet all filters; with it the name of the first that is none."""
    for name, word in words.items():
        some = narrow(rows, name, word)
        if some is None:
            return rows, name
        rows = rows if name in TIMES else some
    return by_time(rows, words), ""


def _page(rows: QuerySet[Task], beyond: str, *, is_rising: bool) -> list[Task]:
    """One more than a page shows, if there are so many."""
    if beyond.isascii() and beyond.isdigit() and len(beyond) <= _MOST_ID_DIGITS:
        rows = rows.filter(**{"pk__gt" if is_rising else "pk__lt": int(beyond)})
    return list(rows.only(*_SHOWN)[: _A_PAGE + 1])


def _chip(request: HttpRequest, name: str, word: str) -> Chip:
    said = _call_words(word) if name == "called" else word
    said = _RANGES[word] if name == "finished" else said
    return Chip(label=_LABELS.get(name, name), word=said, without=_query(request, **{name: ""}))


def _call_words(word: str) -> str:
    """`openai/gpt-6-luna, failed, last 24 hours`."""
    look_back, outcome, served = word.split(":", 2)
    return ", ".join(filter(None, (served, outcome, _RANGES[look_back])))


def _query(request: HttpRequest, **changes: str) -> str:
    """The query of this list from its beginning, changed so; an empty word takes a filter out."""
    query = request.GET.copy()
    for name, word in ({"beyond": ""} | changes).items():
        query.pop(name, None)
        if word:
            query[name] = word
    return query.urlencode()


def _user(request: HttpRequest) -> Any:
    return request.user
