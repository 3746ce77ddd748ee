"""Filters whose choices are known beforehand: none of them asks the table for its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Greatest
from django.http import HttpRequest

from tasks import errors
from tasks.index_hints import is_among, through_index, where
from tasks.models import Attempt, PromptTemplate, Task, TemplateVersion
from tasks.models.task import ODD_SOURCES
from tasks.providers.catalogue import load_catalogue
from tasks.querysets import database_now
from tasks.stats import StatsRange
from tasks.stats.expressions import last_tried
from tasks.vocabulary import Provider, ResultSource, Status

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.filters import _ListFilterChoices
    from django.contrib.admin.views.main import ChangeList

_SHOWN = 12
_FEW_CALLS = 50_000
_OWN_CODES = ("expired", "unstorable", "worker_lost")
_REAL = [(name.value, name.value) for name in Provider if name is not Provider.AUTO]


class SourceFilter(admin.SimpleListFilter):
    """Who stands behind the answer. What is out of the ordinary has an index of its own."""

    title = "result source"
    parameter_name = "result_source__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(source.value, source.value) for source in ResultSource]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        word = self.value()
        if word not in ODD_SOURCES:
            return queryset.filter(result_source=word) if word in set(ResultSource) else queryset
        rows = queryset.filter(is_among("result_source", ODD_SOURCES), result_source=word)
        return through_index(rows, "task_odd_source")


class ServedFilter(admin.SimpleListFilter):
    """By who answered, which need not be who was asked."""

    title = "answered by"
    parameter_name = "served"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return _REAL

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if not self.value():
            return queryset
        rows = queryset.filter(where("status", Status.COMPLETED), served_provider=self.value())
        return through_index(rows, "task_served")


class ModelFilter(admin.SimpleListFilter):
    """By the model that answered, of those that the catalogue knows; any name works as a link."""

    title = "model that answered"
    parameter_name = "served_model"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        shelves = load_catalogue().shelves.values()
        return [(name, name) for shelf in shelves for name in shelf.models]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if not self.value():
            return queryset
        rows = queryset.filter(where("status", Status.COMPLETED), served_model=self.value())
        return through_index(rows, "task_served_model")


class FailedAtFilter(admin.SimpleListFilter):
    """FAILED, by whom it was tried with last, as the stats page counts it, which links here.

    Shown only while in use: each failure must be asked for its last attempt.
    """

    title = "failed at"
    parameter_name = "failed_at"

    def has_output(self) -> bool:
        return bool(self.value())

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return _REAL

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if not self.value():
            return queryset
        failed = queryset.filter(where("status", Status.FAILED))
        return failed.alias(tried_last=last_tried()).filter(tried_last=self.value())


class CalledFilter(admin.SimpleListFilter):
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

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        word, _, rest = (self.value() or "").partition(":")
        outcome, _, served = rest.partition(":")
        provider, _, model = served.partition("/")
        if word not in set(StatsRange) or not provider:
            return queryset
        since = database_now() - StatsRange(word).length
        calls = Attempt.objects.filter(finished_at__gte=since)
        calls = calls.filter(outcome=outcome) if outcome else calls.exclude(outcome="")
        calls = calls.filter(model=model) if model else calls
        at_provider = calls.filter(provider=provider).order_by().values_list("task", flat=True)
        if at_provider[: _FEW_CALLS + 1].count() <= _FEW_CALLS:
            return queryset.filter(pk__in=at_provider)
        # The greater of a name and itself: SQLite would go through all calls of the provider for
        # each task, by an index that no other one is preferred to.
        at = calls.alias(at=Greatest(F("provider"), F("provider"))).filter(at=provider)
        return queryset.filter(Exists(at.filter(task=OuterRef("pk"))))


class TemplateFilter(admin.SimpleListFilter):
    """Made with a template, in any of its versions. Its page and the stats page link here."""

    title = "template"
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        newest = PromptTemplate.objects.filter(archived_at=None).order_by("-pk")
        return [(str(pk), name) for pk, name in newest.values_list("pk", "name")[:_SHOWN]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        word = self.value()
        if not word or not (word.isascii() and word.isdigit() and len(word) < 19):
            return queryset
        versions = TemplateVersion.objects.filter(template=int(word)).values_list("pk", flat=True)
        return queryset.filter(template_version__in=list(versions))


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


class ErrorFilter(admin.SimpleListFilter):
    """FAILED with an error of a provider, or with one that the engine itself gave."""

    title = "error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(code, code.replace("_", " ")) for code in sorted({*_codes(), *_OWN_CODES})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if not self.value():
            return queryset
        rows = queryset.filter(where("status", Status.FAILED), error_code=self.value())
        return through_index(rows, "task_error")


class WaitingFilter(admin.SimpleListFilter):
    """PENDING tasks: those that only want a slot, and those that wait for a moment."""

    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("due", "for a free slot"), ("later", "for a later moment")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if self.value() not in ("due", "later"):
            return queryset
        return queryset.filter(status="PENDING", wake_at__isnull=self.value() == "due")


def _codes(kind: type[errors.ProviderError] = errors.ProviderError) -> Iterator[str]:
    for subclass in kind.__subclasses__():
        yield subclass.code
        yield from _codes(subclass)
