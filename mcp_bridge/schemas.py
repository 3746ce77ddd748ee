"""JSON Schemas of arguments, generated from the serializers that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

Schema = dict[str, Any]
Arguments = type[serializers.Serializer[Any]]


class TaskIdField(serializers.Field[Any, Any, Any, Any]):
    """A task's id as a number or as its digits; whether there is such a task is not asked here."""

    help_words = "The id that create_task returned."
    default_error_messages = {"invalid": "Must be an integer or its digits as a string."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text=self.help_words, **kwargs)

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        return data


class WordField(serializers.ChoiceField):
    """One of a few words. The refusal lists them, and does not repeat what came."""

    def __init__(self, words: list[str], **kwargs: Any) -> None:
        super().__init__(words, **kwargs)
        self.error_messages["invalid_choice"] = f"Must be one of {', '.join(words)}."

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice")
        return str(super().to_internal_value(data))


def input_schema(arguments: Arguments, limits: Mapping[str, Schema] | None = None) -> Schema:
    """What `arguments` accepts. limits: what only the settings know, by argument.

    `null` for an optional argument is accepted beyond the schema: it means "not given". So is a
    call without what is required only where nothing stands in for it (`shown_as_required`): a
    schema that tells of such a choice is one that several AI vendors refuse.
    """
    fields = arguments().fields
    more = limits or {}
    return {
        "type": "object",
        "properties": {
            name: field_schema(field) | more.get(name, {}) for name, field in fields.items()
        },
        "required": [
            name
            for name, field in fields.items()
            if field.required or name in getattr(arguments, "shown_as_required", ())
        ],
        "additionalProperties": False,
    }


def field_schema(field: serializers.Field[Any, Any, Any, Any]) -> Schema:
    """One argument: its type, its bounds, its default, its description."""
    schema = _type_of(field)
    if field.help_text:
        schema["description"] = str(field.help_text)
    if field.default is not empty:
        schema["default"] = field.default
    return schema


def _type_of(field: Any) -> Schema:
    if isinstance(field, TaskIdField):
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    if isinstance(field, serializers.ChoiceField):
        return {"type": "string", "enum": list(field.choices)}
    if isinstance(field, serializers.BooleanField):
        return {"type": "boolean"}
    if isinstance(field, serializers.IntegerField | serializers.FloatField):
        kind = "integer" if isinstance(field, serializers.IntegerField) else "number"
        return {"type": kind} | _known(minimum=field.min_value, maximum=field.max_value)
    if isinstance(field, serializers.DateTimeField):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, serializers.Serializer):
        return input_schema(type(field))
    if isinstance(field, serializers.DictField):
        return {"type": "object", "additionalProperties": field_schema(field.child)}
    if isinstance(field, serializers.ListField):
        items = field_schema(field.child)
        return {"type": "array", "items": items} | _known(
            minItems=field.min_length, maxItems=field.max_length
        )
    least = 0 if field.allow_blank else 1
    return {"type": "string", "minLength": least} | _known(maxLength=field.max_length)


def _known(**bounds: Any) -> Schema:
    return {name: bound for name, bound in bounds.items() if bound is not None}
