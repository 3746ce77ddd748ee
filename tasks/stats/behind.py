"""The tasks behind a figure: what each filter of a list means, by the name it has in links.

The admin's list and the list of one's own tasks both filter by these, so that both show as many
tasks as the figure counts. A word that no filter understands gives None, never all tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from django.db.models import Exists, Expression, F, Min, OuterRef, Q, QuerySet

from tasks.index_hints import Unindexed, Unsorted, is_among, through_index, where
from tasks.models import Attempt, Task, TemplateVersion
from tasks.models.task_indexes import ODD_SOURCES
from tasks.querysets import database_now
from tasks.stats.expressions import last_tried
from tasks.stats.hours import midnight
from tasks.stats.ranges import StatsRange
from tasks.vocabulary import ResultSource, Status

Rows = QuerySet[Task]
Condition = Callable[[Rows, str], Rows | None]

TODAY = "today"
_FEW_CALLS = 50_000
_FEW_ENDED = 50_000
_WALKED = 10_000
_PROVIDER = F("provider")
TIMES = frozenset({"finished", "finished_at__gte", "finished_at__lt"})


def narrow(rows: Rows, name: str, word: str) -> Rows | None:
    """Those of `rows` that the filter `name` finds with `word`; None: there is no such filter."""
    condition = FILTERS.get(name)
    if condition is None or not word or "\0" in word:
        return None
    return condition(rows, word)


def by_time(rows: Rows, words: Mapping[str, str]) -> Rows:
    """Those of `rows` that ended within all of the times that these filters ask for.

    The later of two beginnings alone: SQLite may read from the earlier one on. Few that ended then
    are found by that, or it would go through all tasks of an owner; of many, none before the first
    is looked at.
    """
    bounds = _bounds(words)
    if not bounds:
        return rows
    within = rows.filter(bounds)
    if _are_few(bounds):
        return through_index(within, "task_finished")
    within = within.filter(pk__gte=_first(bounds))
    index = _index_that_judges(words)
    return through_index(within, index) if index else within


def in_order(rows: Rows, words: Mapping[str, str], *, is_rising: bool) -> Rows:
    """What `by_time` gave, by id. Of few that ended in a time all are sorted: along the ids
    PostgreSQL would look for them among all."""
    bounds = _bounds(words)
    if bounds and _are_few(bounds):
        return rows.order_by(Unsorted("pk") if is_rising else Unsorted("pk").desc())
    return rows.order_by("pk" if is_rising else "-pk")


def _index_that_judges(words: Mapping[str, str]) -> str:
    """The one in which both of two filters are, so that only what meets both is read; empty: the
    owner's is as good."""
    if "served" not in words:
        return ""
    if "served_model" in words:
        return "task_served_model"
    return "task_served" if "result_source__exact" in words else ""


def _first(bounds: Q) -> int:
    """The lowest id that ended so; 0 if it is about the lowest of all."""
    ended = Task.objects.filter(bounds).order_by()
    oldest = Task.objects.order_by("pk").values_list("pk", flat=True).first() or 0
    if ended.filter(pk__lt=oldest + _WALKED).exists():
        return 0
    first: int | None = ended.aggregate(first=Min(Unsorted("pk")))["first"]
    return first or 0


def _bounds(words: Mapping[str, str]) -> Q:
    """When they ended, by these filters; empty: at any time, or not yet."""
    starts = [range_start(words.get("finished")), _moment(words.get("finished_at__gte", ""))]
    known = [start for start in starts if start is not None]
    end = _moment(words.get("finished_at__lt", ""))
    since = Q(finished_at__gte=max(known)) if known else Q()
    return since if end is None else since & Q(finished_at__lt=end)


def _are_few(bounds: Q) -> bool:
    ended = Task.objects.filter(bounds).order_by().values("pk")
    return ended[: _FEW_ENDED + 1].count() <= _FEW_ENDED


def range_start(word: str | None) -> datetime | None:
    """Where the range begins that ends now: of a look back, or `today`; None for other words."""
    if word == TODAY:
        return midnight(database_now())
    return database_now() - StatsRange(word).length if word in set(StatsRange) else None


def _in_state(rows: Rows, word: str) -> Rows | None:
    return rows.filter(status=word) if word in set(Status) else None


def _of_source(rows: Rows, word: str) -> Rows | None:
    if word not in set(ResultSource):
        return None
    if word in ODD_SOURCES:  # so that their partial index can be matched with it
        rows = rows.filter(is_among("result_source", ODD_SOURCES))
    return rows.filter(result_source=word)


def _served(rows: Rows, word: str) -> Rows:
    return rows.filter(where("status", Status.COMPLETED), served_provider=word)


def _served_model(rows: Rows, word: str) -> Rows:
    return rows.filter(where("status", Status.COMPLETED), served_model=word)


def _finished(rows: Rows, word: str) -> Rows | None:
    start = range_start(word)
    return None if start is None else rows.filter(finished_at__gte=start)


def _finished_from(rows: Rows, word: str) -> Rows | None:
    moment = _moment(word)
    return None if moment is None else rows.filter(finished_at__gte=moment)


def _finished_before(rows: Rows, word: str) -> Rows | None:
    moment = _moment(word)
    return None if moment is None else rows.filter(finished_at__lt=moment)


def _waiting(rows: Rows, word: str) -> Rows | None:
    """PENDING: those that only want a slot, and those that wait for a moment."""
    if word not in ("due", "later"):
        return None
    return rows.filter(status=Status.PENDING, wake_at__isnull=word == "due")


def _waiting_reason(rows: Rows, word: str) -> Rows:
    return rows.filter(waiting_reason=word)


def _error(rows: Rows, word: str) -> Rows:
    return rows.filter(where("status", Status.FAILED), error_code=word)


def _failed_at(rows: Rows, word: str) -> Rows:
    """FAILED, by whom it was tried with last."""
    failed = rows.filter(where("status", Status.FAILED))
    return failed.alias(tried_last=last_tried()).filter(tried_last=word)


def _called(rows: Rows, words: str) -> Rows | None:
    """With a call that ended within a range, see `_calls`; none before the first is looked at."""
    calls = _calls(words)
    at = _calls(words, Unindexed("provider"))
    if calls is None or at is None:
        return None
    later = rows.filter(pk__gte=calls.aggregate(first=Min(Unsorted("task")))["first"] or 0)
    tasks = calls.values_list("task", flat=True)
    if tasks[: _FEW_CALLS + 1].count() <= _FEW_CALLS:
        return later.filter(pk__in=tasks)
    # Else SQLite would go through all calls of the provider for each task.
    return later.filter(Exists(at.filter(task=OuterRef("pk"))))


def _calls(words: str, column: Expression | F = _PROVIDER) -> QuerySet[Attempt] | None:
    """Calls by `range:outcome:provider/model`, where no outcome is any, and no model, too; None for
    other words. column: the provider's."""
    word, _, rest = words.partition(":")
    outcome, _, served = rest.partition(":")
    provider, _, model = served.partition("/")
    if word not in set(StatsRange) or not provider:
        return None
    since = database_now() - StatsRange(word).length
    calls = Attempt.objects.filter(finished_at__gte=since).order_by()
    calls = calls.filter(outcome=outcome) if outcome else calls.exclude(outcome="")
    calls = calls.filter(model=model) if model else calls
    at_provider: QuerySet[Attempt] = calls.alias(at=column).filter(at=provider)
    return at_provider


def _of_template(rows: Rows, word: str) -> Rows | None:
    """Made with a template, in any of its versions."""
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        return None
    versions = TemplateVersion.objects.filter(template=int(word)).values_list("pk", flat=True)
    return rows.filter(template_version__in=list(versions))


def _moment(word: str) -> datetime | None:
    """In UTC, for PostgreSQL takes no offset of 16 hours or more, and Python does."""
    try:
        moment = datetime.fromisoformat(word)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


FILTERS: Mapping[str, Condition] = {
    "status__exact": _in_state,
    "result_source__exact": _of_source,
    "served": _served,
    "served_model": _served_model,
    "finished": _finished,
    "finished_at__gte": _finished_from,
    "finished_at__lt": _finished_before,
    "waiting": _waiting,
    "waiting_reason__exact": _waiting_reason,
    "error": _error,
    "failed_at": _failed_at,
    "called": _called,
    "template": _of_template,
}
