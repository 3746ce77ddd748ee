"""Filters whose choices are known beforehand: none of them asks the table for its values.

What each means is in `tasks.stats.behind`; here is how it is offered, and which index serves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tasks import errors
from tasks.index_hints import through_index
from tasks.models import PromptTemplate, Task
from tasks.models.task_indexes import ODD_SOURCES
from tasks.providers.catalogue import load_catalogue
from tasks.stats.behind import narrow
from tasks.vocabulary import Provider, ResultSource

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.filters import _ListFilterChoices
    from django.contrib.admin.views.main import ChangeList

_SHOWN = 12
_OWN_CODES = ("expired", "unstorable", "worker_lost")
_REAL = [(name.value, name.value) for name in Provider if name is not Provider.AUTO]


class FigureFilter(admin.SimpleListFilter):
    """One that the stats page links to. A word that it does not understand filters nothing.

    `index`: the one that finds its tasks, for SQLite, which would else guess.
    """

    parameter_name: str
    index: ClassVar[str | None] = None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        rows = narrow(queryset, self.parameter_name, self.value() or "")
        if rows is None:
            return queryset
        return rows if self.index is None else through_index(rows, self.index)


class SourceFilter(FigureFilter):
    """Who stands behind the answer. What is out of the ordinary has an index of its own."""

    title = "result source"
    parameter_name = "result_source__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(source.value, source.value) for source in ResultSource]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        rows = super().queryset(request, queryset)
        return through_index(rows, "task_odd_source") if self.value() in ODD_SOURCES else rows


class ServedFilter(FigureFilter):
    """By who answered, which need not be who was asked."""

    title = "answered by"
    parameter_name = "served"
    index = "task_served"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return _REAL


class ModelFilter(FigureFilter):
    """By the model that answered, of those that the catalogue knows; any name works as a link."""

    title = "model that answered"
    parameter_name = "served_model"
    index = "task_served_model"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        shelves = load_catalogue().shelves.values()
        return [(name, name) for shelf in shelves for name in shelf.models]


class FailedAtFilter(FigureFilter):
    """FAILED, by whom it was tried with last, as the stats page counts it, which links here.

    Shown only while in use: each failure must be asked for its last attempt.
    """

    title = "failed at"
    parameter_name = "failed_at"

    def has_output(self) -> bool:
        return bool(self.value())

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return _REAL


class CalledFilter(FigureFilter):
    """Called at a provider, or with one of its models, within a range: by each call as the stats
    page counts it, which links here with `range:outcome:provider/model`; no outcome is any.
    """

    title = "called"
    parameter_name = "called"

    def has_output(self) -> bool:
        return bool(self.value())

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("-", "-")]  # Django leaves a filter without choices out

    def choices(self, changelist: ChangeList) -> Iterator[_ListFilterChoices]:
        none = changelist.get_query_string(remove=[self.parameter_name])
        yield {"selected": False, "query_string": none, "display": "All"}
        yield {"selected": True, "query_string": "?", "display": self.value() or ""}


class TemplateFilter(FigureFilter):
    """Made with a template, in any of its versions. Its page and the stats page link here."""

    title = "template"
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        newest = PromptTemplate.objects.filter(archived_at=None).order_by("-pk")
        return [(str(pk), name) for pk, name in newest.values_list("pk", "name")[:_SHOWN]]


class PriorityFilter(admin.SimpleListFilter):
    """Of the tasks that wait, for whom alone it matters: so the index on the state serves it."""

    title = "priority, while PENDING"
    parameter_name = "urgency"
    _RANGES = {"high": (8, 10), "normal": (4, 7), "low": (1, 3)}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(word, f"{word} ({least}–{most})") for word, (least, most) in self._RANGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if self.value() not in self._RANGES:
            return queryset
        return queryset.filter(status="PENDING", priority__range=self._RANGES[str(self.value())])


class ErrorFilter(FigureFilter):
    """FAILED with an error of a provider, or with one that the engine itself gave."""

    title = "error"
    parameter_name = "error"
    index = "task_error"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(code, code.replace("_", " ")) for code in sorted({*_codes(), *_OWN_CODES})]


class WaitingFilter(FigureFilter):
    """PENDING tasks: those that only want a slot, and those that wait for a moment."""

    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("due", "for a free slot"), ("later", "for a later moment")]


def _codes(kind: type[errors.ProviderError] = errors.ProviderError) -> Iterator[str]:
    for subclass in kind.__subclasses__():
        yield subclass.code
        yield from _codes(subclass)
