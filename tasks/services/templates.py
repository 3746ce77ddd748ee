"""Templates: written once, edited as new versions, tried out before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from tasks.errors import InvalidInput, TemplateNotFound
from tasks.models import PromptTemplate, TemplateVersion
from tasks.policy.placeholders import NAME, names_in
from tasks.services.access import as_key
from tasks.services.audit import note
from tasks.services.fields import StrictBoolean, StrictText, Text
from tasks.services.submission import clean, flatten_errors, within_limit
from tasks.services.template_shelf import render

_MOST_VARIABLES = 50


class VariableSerializer(serializers.Serializer[Any]):
    """A name that stands in the prompt as `{{ name }}`."""

    name = serializers.RegexField(
        rf"^{NAME.pattern}\Z",
        error_messages={"invalid": "Must be a letter or _, then letters, digits and _, up to 50."},
    )
    description = StrictText(max_length=200, default="", allow_blank=True)
    default = Text(
        required=False, allow_blank=True, allow_null=True, help_text="Null: it must be given."
    )


class TemplateOrderSerializer(serializers.Serializer[Any]):
    """A template to be made."""

    name = serializers.RegexField(
        r"^[a-z][a-z0-9_-]{0,63}\Z",
        help_text="Small letters, digits, - and _; for good.",
        error_messages={
            "invalid": "Must be a small letter, then small letters, digits, - and _, up to 64."
        },
    )
    prompt = Text(help_text="A text with {{ name }} where a variable goes.")
    description = StrictText(max_length=500, default="", allow_blank=True)
    variables = serializers.ListField(
        child=VariableSerializer(),
        max_length=_MOST_VARIABLES,
        required=False,
        help_text="What its names mean. Names that are not listed must be given at each use.",
    )
    published = StrictBoolean(default=False, help_text="Shown as a prompt to your MCP clients.")

    def validate_prompt(self, value: str) -> str:
        if not value.strip():
            raise serializers.ValidationError("May not be blank.")
        return within_limit(value)


def visible_templates(user: AbstractBaseUser) -> QuerySet[PromptTemplate]:
    """The templates of `user`; all of them for staff. Deleted ones are left out."""
    return PromptTemplate.objects.all().visible_to(user).filter(archived_at=None)


def get_template(
    user: AbstractBaseUser, template_id: object, *, lock: bool = False
) -> PromptTemplate:
    """One template of `user`. Raises: TemplateNotFound: there is none, or it is another's."""
    rows = visible_templates(user)
    if lock:
        rows = rows.select_for_update(of=("self",))
    template = rows.filter(pk=as_key(template_id, TemplateNotFound)).first()
    if template is None:
        raise TemplateNotFound(template_id)
    return template


def latest_version(template: PromptTemplate) -> TemplateVersion:
    return TemplateVersion.objects.select_related("template").get(
        template=template, number=template.latest
    )


def create_template(owner: AbstractBaseUser, data: object) -> PromptTemplate:
    """A template with its first version. Raises: InvalidInput."""
    fields = clean(TemplateOrderSerializer, data)
    wording = _wording(fields, declared=())
    try:
        with transaction.atomic():
            template = PromptTemplate.objects.create(
                owner_id=owner.pk, name=fields["name"], published=fields["published"]
            )
            TemplateVersion.objects.create(template=template, number=1, **wording)
            note("template.create", f"template {template.pk}", user=owner, name=template.name)
    except IntegrityError as refusal:
        rule = "You have a template of this name. Edit that one, or take another name."
        raise InvalidInput({"name": [rule]}) from refusal
    return template


def replace_template(user: AbstractBaseUser, template_id: object, data: object) -> PromptTemplate:
    """The same with everything said anew. Raises: TemplateNotFound, InvalidInput."""
    get_template(user, template_id)
    fields = clean(TemplateOrderSerializer, data)
    return edit_template(user, template_id, {"variables": [], **fields})


@transaction.atomic
def edit_template(user: AbstractBaseUser, template_id: object, changes: object) -> PromptTemplate:
    """Another wording is a new version, on which later submits are made; `published` is not.

    Raises:
        TemplateNotFound, InvalidInput.
    """
    template = get_template(user, template_id, lock=True)
    before = latest_version(template)
    given = {"name": template.name, "published": template.published}
    given |= {"prompt": before.prompt, "description": before.description}
    fields = clean(TemplateOrderSerializer, {**given, **_as_object(changes)})
    if fields["name"] != template.name:
        raise InvalidInput({"name": ["Cannot be changed: tasks are known by it. Make another."]})
    wording = _wording(fields, declared=before.variables)
    template.published = fields["published"]
    if wording != before.as_dict():
        template.latest += 1
        TemplateVersion.objects.create(template=template, number=template.latest, **wording)
    template.save()
    note("template.edit", f"template {template.pk}", user=user, version=template.latest)
    return template


@transaction.atomic
def delete_template(user: AbstractBaseUser, template_id: object) -> None:
    """Of no use from now on; its name is free again, its tasks keep what they were made with.

    Raises:
        TemplateNotFound.
    """
    template = get_template(user, template_id)
    PromptTemplate.objects.filter(pk=template.pk).update(archived_at=timezone.now())
    note("template.delete", f"template {template.pk}", user=user, name=template.name)


def preview(data: object, values: Mapping[str, str]) -> str:
    """The prompt that these fields of a template would make. Raises: InvalidInput."""
    fields = clean(TemplateOrderSerializer, data)
    return render(TemplateVersion(**_wording(fields, declared=())), values)


def _as_object(changes: object) -> Mapping[str, Any]:
    if not isinstance(changes, Mapping) or not changes:
        raise InvalidInput({"non_field_errors": ["Must be an object with what shall change."]})
    return changes


def _wording(fields: Mapping[str, Any], declared: Any) -> dict[str, Any]:
    """What a version holds. declared: the variables until now, for an edit that says nothing of
    them; every name in the prompt is a variable, and every variable given stands in it."""
    used = names_in(fields["prompt"])
    if len(used) > _MOST_VARIABLES:
        raise InvalidInput({"prompt": [f"May have {_MOST_VARIABLES} variables at most."]})
    given = fields.get("variables")
    known = {one["name"]: one for one in (declared if given is None else given)}
    if given is not None:
        _refuse_odd(given, used)
    return {
        "prompt": fields["prompt"],
        "description": fields["description"],
        "variables": [
            {
                "name": name,
                "description": known.get(name, {}).get("description", ""),
                "default": known.get(name, {}).get("default"),
            }
            for name in used
        ],
    }


def _refuse_odd(given: list[dict[str, Any]], used: list[str]) -> None:
    names = [one["name"] for one in given]
    for index, name in enumerate(names):
        if name not in used:
            rule = f"{{{{ {name} }}}} does not stand in the prompt."
            raise InvalidInput(flatten_errors({"variables": {str(index): {"name": [rule]}}}))
        if name in names[:index]:
            raise InvalidInput({f"variables.{index}.name": ["Is declared twice."]})
