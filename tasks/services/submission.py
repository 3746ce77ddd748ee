"""What a submit may say: one serializer for every door, and what it becomes.

Only what came from outside is judged here; which provider can answer is judged in `choosing`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from rest_framework import serializers

from tasks.conf import get_conf
from tasks.errors import InvalidInput
from tasks.services.fields import (
    Reference,
    StrictBoolean,
    StrictFloat,
    StrictInteger,
    StrictText,
    Text,
)
from tasks.vocabulary import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY, Provider

_MOST_TOKENS = 1_000_000
_MOST_TAGS = 20
_MOST_METADATA_CHARS = 16_384


class SubmissionSerializer(serializers.Serializer[Any]):
    """A prompt to be run as a task."""

    prompt = Text(
        required=False,
        help_text="What to ask: 1 to TASKRUNNER_PROMPT_MAX_CHARS characters. Required, unless "
        "a template is given.",
    )
    template = Reference(
        max_length=100,
        required=False,
        help_text="A template of yours instead of a prompt: its name, or name@version.",
    )
    variables = serializers.DictField(
        child=Text(allow_blank=True), required=False, help_text="Texts for the template's names."
    )
    provider = serializers.ChoiceField(
        choices=[p.value for p in Provider],
        required=False,
        help_text="Who should answer; `auto` leaves the choice to the router.",
    )
    model = StrictText(max_length=100, required=False, help_text="A name from the catalogue.")
    priority = StrictInteger(
        min_value=MIN_PRIORITY,
        max_value=MAX_PRIORITY,
        default=DEFAULT_PRIORITY,
        help_text="10 is called first.",
    )
    system = Text(required=False, allow_blank=True, help_text="System text for the model.")
    max_tokens = StrictInteger(
        min_value=1, max_value=_MOST_TOKENS, required=False, help_text="Cap on the answer's tokens."
    )
    temperature = StrictFloat(
        min_value=0, max_value=2, required=False, help_text="Sent only if given."
    )
    tags = serializers.ListField(
        child=StrictText(max_length=50), max_length=_MOST_TAGS, required=False
    )
    metadata = serializers.DictField(
        required=False, help_text="Any JSON object of yours; given back as it came."
    )
    run_after = serializers.DateTimeField(required=False, help_text="Not to be called before.")
    expires_at = serializers.DateTimeField(required=False, help_text="Of no use after.")
    max_attempts = StrictInteger(
        min_value=1, max_value=100, required=False, help_text="Provider calls at most."
    )
    failover = StrictBoolean(default=True, help_text="May another provider answer?")
    custom_id = StrictText(max_length=200, required=False, help_text="Your own name for it.")

    def validate_prompt(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("May not be blank.")
        return within_limit(value)

    def validate_system(self, value: str) -> str:
        return within_limit(value)

    def validate_tags(self, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))

    def validate_metadata(self, value: dict[str, Any]) -> dict[str, Any]:
        _refuse_unstorable(value)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not self.partial:
            _require_one_source(attrs)
        expires_at, run_after = attrs.get("expires_at"), attrs.get("run_after")
        if expires_at and run_after and expires_at <= run_after:
            raise serializers.ValidationError({"expires_at": ["Must be after run_after."]})
        return attrs


def _require_one_source(attrs: Mapping[str, Any]) -> None:
    if "template" not in attrs:
        if "prompt" not in attrs:
            raise serializers.ValidationError({"prompt": ["This field is required."]})
        if "variables" in attrs:
            raise serializers.ValidationError({"variables": ["Only a template takes variables."]})
    elif "prompt" in attrs:
        raise serializers.ValidationError({"template": ["Give a prompt or a template, not both."]})


def validate_submission(data: object) -> dict[str, Any]:
    """The cleaned fields of one submit.

    Raises:
        InvalidInput: naming each field and the rule that it breaks, unknown fields too.
    """
    return clean(SubmissionSerializer, data)


def clean(kind: type[serializers.Serializer[Any]], data: object) -> dict[str, Any]:
    """What `kind` makes of `data`, with nothing overlooked.

    Raises:
        InvalidInput: naming each field and the rule that it breaks, unknown fields too.
    """
    return judge_of(kind).clean(data)


class Judge:
    """Judges many by one serializer, which keeps nothing of what it judges: to make one costs five
    times what it costs to judge by it."""

    def __init__(self, kind: type[serializers.Serializer[Any]]) -> None:
        self._serializer = kind(data={})

    def clean(self, data: object) -> dict[str, Any]:
        """Raises: InvalidInput."""
        if not isinstance(data, Mapping):
            raise InvalidInput({"non_field_errors": ["Must be a JSON object."]})
        problems: dict[str, list[str]] = {}
        cleaned: dict[str, Any] = {}
        try:
            cleaned = dict(self._serializer.run_validation(data))
        except serializers.ValidationError as refusal:
            problems = flatten_errors(cast(Mapping[str, Any], refusal.detail))
        for name in data:
            if name not in self._serializer.fields:
                problems[str(name)[:100]] = ["Is not a field here. Remove it."]
        if problems:
            raise InvalidInput(problems)
        return cleaned


judge_of = cache(Judge)


def flatten_errors(errors: Mapping[str, Any]) -> dict[str, list[str]]:
    """DRF's nested errors as field → list of sentences; nested ones as `tags.3`."""
    flat: dict[str, list[str]] = {}
    for name, value in errors.items():
        if isinstance(value, Mapping):
            for inner, rules in flatten_errors({str(k): v for k, v in value.items()}).items():
                flat[f"{name}.{inner}"] = rules
        else:
            flat[str(name)] = [str(rule) for rule in value]
    return flat


def within_limit(value: str) -> str:
    """The text, if it is no longer than a prompt may be. Raises: DRF's ValidationError."""
    limit = get_conf().prompt_max_chars
    if len(value) > limit:
        raise serializers.ValidationError(
            f"Has {len(value)} characters; at most {limit} are allowed."
        )
    return value


def _refuse_unstorable(value: object, depth: int = 0) -> None:
    """NUL and lone surrogates break PostgreSQL; NaN and Infinity are no JSON."""
    if depth > 20:
        raise serializers.ValidationError("Is nested more than 20 levels deep.")
    if isinstance(value, str) and ("\x00" in value or not _is_encodable(value)):
        raise serializers.ValidationError("Holds a NUL or a lone surrogate character.")
    if isinstance(value, float) and not math.isfinite(value):
        raise serializers.ValidationError("Holds NaN or Infinity, which JSON does not know.")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_unstorable(str(key), depth + 1)
            _refuse_unstorable(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner, depth + 1)
    if depth == 0 and len(str(value)) > _MOST_METADATA_CHARS:
        raise serializers.ValidationError(
            f"Is larger than {_MOST_METADATA_CHARS} characters; keep it small."
        )


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
