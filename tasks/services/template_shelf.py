"""A submit's `template` and `variables` become its prompt and the version that it is pinned to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from rest_framework.serializers import ValidationError

from tasks.errors import InvalidInput
from tasks.models import TemplateVersion
from tasks.services.submission import within_limit


class Shelf:
    """The owner's templates, each version looked up once however many tasks are made with it."""

    def __init__(self, owner: AbstractBaseUser) -> None:
        self._owner = owner
        self._found: dict[str, TemplateVersion | None] = {}

    def fill(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The cleaned fields of a submit, with a prompt. Raises: InvalidInput."""
        if "template" not in fields:
            return fields
        rest = {k: v for k, v in fields.items() if k not in ("template", "variables")}
        version = self._find(fields["template"])
        if version is None:
            raise InvalidInput({"template": ["You have no such template, or no such version."]})
        prompt = render(version, fields.get("variables", {}))
        return {**rest, "prompt": prompt, "template_version_id": version.pk}

    def _find(self, reference: str) -> TemplateVersion | None:
        if reference not in self._found:
            self._found[reference] = find_version(self._owner, reference)
        return self._found[reference]


def find_version(owner: AbstractBaseUser, reference: str) -> TemplateVersion | None:
    """The owner's version of that name: `name@3`, or the latest for `name`; an id is as good."""
    name, at, number = reference.partition("@")
    rows = TemplateVersion.objects.select_related("template").filter(
        template__owner_id=owner.pk, template__archived_at=None
    )
    rows = (
        rows.filter(template_id=int(name)) if _is_number(name) else rows.filter(template__name=name)
    )
    if at:
        return rows.filter(number=int(number)).first() if _is_number(number) else None
    return rows.order_by("-number").first()


def render(version: TemplateVersion, values: Mapping[str, str]) -> str:
    """The prompt. Raises: InvalidInput, naming each variable that is missing or not known."""
    problems = {
        f"variables.{name[:60]}": ["The template has no such variable."]
        for name in values
        if name not in version.defaults
    }
    for name, default in version.defaults.items():
        if default is None and name not in values:
            problems[f"variables.{name}"] = ["This variable is required."]
    if problems:
        raise InvalidInput(problems)
    prompt = version.render(values)
    if not prompt.strip():
        raise InvalidInput({"prompt": ["May not be blank, as it is with these variables."]})
    try:
        return within_limit(prompt)
    except ValidationError as refusal:
        rule = cast(list[Any], refusal.detail)[0]
        raise InvalidInput({"prompt": [f"With these variables: {rule}"]}) from refusal


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
