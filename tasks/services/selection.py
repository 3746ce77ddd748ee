"""Choosing tasks by what they are like: one set of filters for REST lists and bulk actions.

Nothing is ignored: an unknown filter, a repeated one and a bad value are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import django_filters
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict

from tasks.errors import InvalidInput
from tasks.index_hints import IS_TROUBLED, is_among
from tasks.models import Task, TemplateVersion
from tasks.models.task_indexes import ODD_SOURCES
from tasks.querysets import TaskQuerySet
from tasks.services.access import visible_tasks
from tasks.services.tag_filter import has_tag
from tasks.vocabulary import MAX_PRIORITY, MIN_PRIORITY, Provider, ResultSource, Status, choices

_SEVERAL = frozenset({"status", "provider"})
_MOST_WORDS = 10
_YES_NO = [("true", "true"), ("false", "false")]


def _priority(lookup: str, words: str) -> django_filters.NumberFilter:
    return django_filters.NumberFilter(
        field_name="priority",
        lookup_expr=lookup,
        decimal_places=0,
        min_value=MIN_PRIORITY,
        max_value=MAX_PRIORITY,
        help_text=f"Priority {words}.",
    )


class _MomentField(django_filters.fields.IsoDateTimeField):
    """In UTC, for PostgreSQL takes no offset of 16 hours or more, and Python does."""

    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class _MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = _MomentField


class TaskFilters(django_filters.FilterSet):
    """The filters of `GET /api/tasks/`."""

    status = django_filters.MultipleChoiceFilter(
        choices=choices(Status),
        method="filter_any",
        help_text="One state, or several by repeating it.",
    )
    provider = django_filters.MultipleChoiceFilter(
        choices=choices(Provider),
        method="filter_any",
        help_text="As asked at submit; repeat it for several.",
    )
    model = django_filters.CharFilter(max_length=100, help_text="As asked at submit.")
    priority = _priority("exact", "exactly")
    priority__gte = _priority("gte", "at least")
    priority__lte = _priority("lte", "at most")
    created_after = _MomentFilter(
        field_name="created_at", lookup_expr="gte", help_text="At this moment or later, ISO 8601."
    )
    created_before = _MomentFilter(
        field_name="created_at", lookup_expr="lt", help_text="Before this moment, ISO 8601."
    )
    tag = django_filters.CharFilter(
        method="filter_tag",
        max_length=50,
        help_text="Carries exactly this tag. A page looks through 10,000 tasks: it may have few, "
        "or none, while `next` leads on.",
    )
    batch = django_filters.NumberFilter(
        field_name="batch_id",
        decimal_places=0,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Came with this batch.",
    )
    template = django_filters.CharFilter(
        method="filter_template",
        max_length=100,
        help_text="Was made with this template: its name, or name@version.",
    )
    result_source = django_filters.ChoiceFilter(
        method="filter_result_source",
        choices=choices(ResultSource),
        help_text="Who stands behind the result.",
    )
    error_code = django_filters.CharFilter(
        method="filter_error_code", max_length=40, help_text="For example `timeout`."
    )
    truncated = django_filters.TypedChoiceFilter(
        choices=_YES_NO, coerce=lambda text: text == "true", help_text="Was the answer cut?"
    )
    search = django_filters.CharFilter(
        method="filter_search",
        max_length=200,
        help_text="Every word stands in the prompt or in the custom id, in any case. "
        "Pages may be short, as for `tag`.",
    )

    class Meta:
        model = Task
        fields: tuple[str, ...] = ()

    def filter_any(self, rows: TaskQuerySet, name: str, values: list[str]) -> TaskQuerySet:
        if len(values) == 1:
            return rows.filter(**{name: values[0]})
        return rows.filter(**{f"{name}__in": values})  # `OR` would be read row by row

    def filter_tag(self, rows: TaskQuerySet, _name: str, value: str) -> TaskQuerySet:
        return rows.filter(has_tag(value))

    def filter_error_code(self, rows: TaskQuerySet, _name: str, value: str) -> TaskQuerySet:
        return rows.filter(IS_TROUBLED, error_code=value)

    def filter_result_source(self, rows: TaskQuerySet, _name: str, value: str) -> TaskQuerySet:
        if value in ODD_SOURCES:  # what the index of the few says too
            rows = rows.filter(is_among("result_source", ODD_SOURCES))
        return rows.filter(result_source=value)

    def filter_template(self, rows: TaskQuerySet, _name: str, value: str) -> TaskQuerySet:
        # Asked first: a planner that knew no number would read every task for a name of none.
        numbers = template_versions(value)
        if len(numbers) == 1:
            return rows.filter(template_version=numbers[0])
        return rows.filter(template_version__in=numbers) if numbers else rows.none()

    def filter_search(self, rows: TaskQuerySet, _name: str, value: str) -> TaskQuerySet:
        for word in value.split()[:_MOST_WORDS]:
            rows = rows.filter(Q(prompt__icontains=word) | Q(custom_id__icontains=word))
        return rows


def template_versions(wanted: str) -> list[int]:
    """The keys of the versions that `name` or `name@version` stands for."""
    name, at, number = wanted.partition("@")
    versions = TemplateVersion.objects.filter(template__name=name)
    if at:
        is_number = number.isascii() and number.isdigit() and len(number) < 10
        versions = versions.filter(number=int(number)) if is_number else versions.none()
    return list(versions.values_list("pk", flat=True))


FILTER_NAMES = frozenset(TaskFilters.base_filters)
UNINDEXED = frozenset({"tag", "search"})
"""Filters that can only be judged row by row."""


def select_tasks(
    user: AbstractBaseUser, criteria: Mapping[str, object] | QueryDict
) -> TaskQuerySet:
    """The tasks of `user` (all, for staff) that meet all of `criteria`; none means no limit.

    criteria: filter names with a value each, or a list of values for `status` and `provider`.

    Raises:
        InvalidInput: naming each filter that is unknown, repeated or has a bad value.
    """
    given = criteria if isinstance(criteria, QueryDict) else _as_query(criteria)
    problems = dict(_find_misuse(given))
    filters = TaskFilters(given, queryset=visible_tasks(user))
    if not filters.is_valid():
        problems |= {name: _as_sentences(errors) for name, errors in filters.errors.items()}
    if problems:
        raise InvalidInput(problems)
    return cast(TaskQuerySet, filters.qs)


def _find_misuse(given: QueryDict) -> Iterable[tuple[str, list[str]]]:
    for name, values in given.lists():
        if name not in FILTER_NAMES:
            known = ", ".join(sorted(FILTER_NAMES))
            yield name[:100], [f"Is not a filter. Known: {known}."]
        elif len(values) > 1 and name not in _SEVERAL:
            yield name, ["Was given more than once."]
        elif not all(value.strip() for value in values):
            yield name, ["May not be empty."]


def _as_sentences(errors: Any) -> list[str]:
    return [str(rule) for rule in cast(ValidationError, errors)]


def _as_query(criteria: Mapping[str, object]) -> QueryDict:
    query = QueryDict(mutable=True)
    problems: dict[str, list[str]] = {}
    for name, value in criteria.items():
        values = value if isinstance(value, list) else [value]
        texts = [_as_text(one) for one in values]
        if None in texts or not texts:
            problems[str(name)[:100]] = ["Must be a text, a number or true or false."]
        else:
            query.setlist(str(name), [text for text in texts if text is not None])
    if problems:
        raise InvalidInput(problems)
    return query


def _as_text(value: object) -> str | None:
    """A JSON value as a query would carry it; None for what no query can carry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if value.isascii() or not _has_surrogate(value) else None
    return str(value) if isinstance(value, int) and abs(value) < 2**63 else None


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
