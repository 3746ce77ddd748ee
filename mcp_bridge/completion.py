"""What may be typed next: values for the arguments of prompts and of resource templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from mcp_types import CompleteRequestParams, Completion, ResourceTemplateReference
from rest_framework import serializers

from mcp_bridge.caller import Caller
from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error, unknown
from mcp_bridge.prompts import PROMPTS, find_published
from mcp_bridge.prompts.analysis import GroupField
from mcp_bridge.prompts.fields import DateRangeField, IdListField, WordListField
from mcp_bridge.resources import RESOURCES
from tasks.errors import DomainError
from tasks.services import visible_tasks
from tasks.services.access import visible_batches

Suggest = Callable[[AbstractBaseUser, str], list[str]]
"""The values that go on from what was typed, the best first."""

_MOST = 100  # the protocol's own limit
_MOST_DIGITS = 18  # a task's number has 63 bits


async def complete(caller: Caller, params: CompleteRequestParams) -> Completion:
    """At most a hundred values that begin with what was typed; none where anything goes.

    Raises:
        MCPError: there is no such prompt, template or argument.
    """
    name, typed = params.argument.name, params.argument.value
    if isinstance(params.ref, ResourceTemplateReference):
        suggest = _for_template(params.ref.uri, name)
    else:
        suggest = _for_prompt(params.ref.name, name)
    try:
        values = await on_database(caller, lambda user: suggest(user, typed))
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal
    return Completion(values=values[:_MOST], has_more=len(values) > _MOST)


def _for_template(uri: str, argument: str) -> Suggest:
    if not any(r.is_template and r.uri == uri and f"{{{argument}}}" in uri for r in RESOURCES):
        raise unknown("template or argument", f"{uri} {argument}")
    return {"task_id": suggest_task_ids, "batch_id": suggest_batch_ids}.get(argument, _nothing)


def _for_prompt(name: str, argument: str) -> Suggest:
    prompt = PROMPTS.get(name)
    if prompt is None:
        return _for_published(name, argument)
    field = prompt.arguments().fields.get(argument)
    if field is None:
        raise unknown("prompt or argument", f"{name} {argument}")
    return _for_field(field)


def _for_published(name: str, argument: str) -> Suggest:
    """Anything goes for a variable of the user's own template."""

    def suggest(user: AbstractBaseUser, typed: str) -> list[str]:
        version = find_published(user, name)
        if version is None or argument not in version.defaults:
            raise unknown("prompt or argument", f"{name} {argument}")
        return []

    return suggest


def _for_field(field: serializers.Field[Any, Any, Any, Any]) -> Suggest:
    if isinstance(field, serializers.ChoiceField):
        return lambda user, typed: _matching(map(str, field.choices), typed)
    if isinstance(field, GroupField):
        return lambda user, typed: _matching(field.words_of(user), typed)
    if isinstance(field, WordListField):
        return _in_list(lambda user, typed: _matching(field.words, typed))
    if isinstance(field, IdListField):
        return _in_list(suggest_task_ids)
    if isinstance(field, DateRangeField):
        return lambda user, typed: _matching(DateRangeField.spans, typed)
    return _nothing


def suggest_task_ids(user: AbstractBaseUser, typed: str) -> list[str]:
    """The user's newest tasks whose number begins with these digits."""
    return _newest_ids(visible_tasks(user), typed)


def suggest_batch_ids(user: AbstractBaseUser, typed: str) -> list[str]:
    """The same for batches."""
    return _newest_ids(visible_batches(user), typed)


def _newest_ids(rows: QuerySet[Any], typed: str) -> list[str]:
    if typed:
        if not (typed.isascii() and typed.isdigit()) or len(typed) > _MOST_DIGITS:
            return []
        rows = rows.filter(_begins_with(typed))
    return [str(key) for key in rows.order_by("-pk").values_list("pk", flat=True)[: _MOST + 1]]


def _begins_with(digits: str) -> Q:
    """By ranges of the number, which the primary key's index serves."""
    condition = Q(pk=int(digits))
    for more in range(1, _MOST_DIGITS + 1 - len(digits)):
        condition |= Q(pk__range=(int(digits) * 10**more, (int(digits) + 1) * 10**more - 1))
    return condition


def _in_list(suggest: Suggest) -> Suggest:
    """The last of several words, separated by commas, is the one that is being typed."""

    def suggest_last(user: AbstractBaseUser, typed: str) -> list[str]:
        before, comma, last = typed.rpartition(",")
        taken = {word.strip() for word in before.split(",")}
        values = suggest(user, last.strip())
        return [f"{before}{comma}{value}" for value in values if value not in taken]

    return suggest_last


def _matching(words: Iterable[str], typed: str) -> list[str]:
    return [word for word in words if word.lower().startswith(typed.lower())]


def _nothing(user: AbstractBaseUser, typed: str) -> list[str]:
    return []
