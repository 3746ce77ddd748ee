"""A template as it is seen from outside, and what a preview says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from tasks.api.representation import Money
from tasks.models import PromptTemplate, TemplateVersion
from tasks.services.fields import StrictInteger, Text
from tasks.services.templates import TemplateOrderSerializer
from tasks.stats.templates import VersionFigures, version_figures


class TemplateChangesSerializer(TemplateOrderSerializer):
    """What can be changed; the name cannot. Nothing is required."""

    name = serializers.RegexField(
        r"^[a-z][a-z0-9_-]{0,63}\Z", required=False, help_text="As it is; it cannot be changed."
    )
    prompt = Text(required=False)


class VariableDetailSerializer(serializers.Serializer[Any]):
    """A variable; a default of null means that a value must be given."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    default = serializers.CharField(allow_null=True, allow_blank=True)


class TemplateSerializer(serializers.Serializer[Any]):
    """A template in its latest version."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    prompt = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    variables = VariableDetailSerializer(many=True)
    published = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class VersionFiguresSerializer(serializers.Serializer[Any]):
    """How the tasks of a version did; null where none tells yet."""

    tasks = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_percent = serializers.FloatField(allow_null=True, help_text="Of the ended ones.")
    truncated_percent = serializers.FloatField(allow_null=True, help_text="Of the COMPLETED ones.")
    mean_run_seconds = serializers.FloatField(allow_null=True, help_text="Of the COMPLETED ones.")
    cost_usd = Money()
    mean_cost_usd = Money(help_text="Of the tasks whose price is known.")


class VersionSerializer(serializers.Serializer[Any]):
    """One wording, and how it did."""

    version = serializers.IntegerField(source="number")
    prompt = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    variables = VariableDetailSerializer(many=True)
    created_at = serializers.DateTimeField()
    stats = VersionFiguresSerializer()


class TemplateDetailSerializer(TemplateSerializer):
    """A template with all of its versions, the latest first."""

    versions = VersionSerializer(many=True)


class PreviewOrderSerializer(serializers.Serializer[Any]):
    """Values to try a template with."""

    variables = serializers.DictField(child=Text(allow_blank=True), default=dict)
    version = StrictInteger(min_value=1, max_value=2**31 - 1, required=False)


class PreviewSerializer(serializers.Serializer[Any]):
    """What a task would be asked."""

    template = serializers.CharField(help_text="name@version, as a submit can name it.")
    prompt = serializers.CharField()


def render_templates(templates: Sequence[PromptTemplate]) -> list[dict[str, Any]]:
    """All of them, with one query for their latest versions."""
    latest = {
        (version.template_id, version.number): version
        for version in TemplateVersion.objects.filter(template__in=templates)
    }
    return [
        dict(TemplateSerializer(_as_dict(one, latest[one.pk, one.latest])).data)
        for one in templates
    ]


def render_detail(template: PromptTemplate) -> dict[str, Any]:
    versions = list(template.versions.order_by("-number"))
    figures = version_figures(template)
    for version in versions:
        version.stats = asdict(figures.get(version.number, VersionFigures()))  # type: ignore[attr-defined]
    latest = next(one for one in versions if one.number == template.latest)
    shown = {**_as_dict(template, latest), "versions": versions}
    return dict(TemplateDetailSerializer(shown).data)


def _as_dict(template: PromptTemplate, latest: TemplateVersion) -> dict[str, Any]:
    return {
        "id": template.pk,
        "name": template.name,
        "version": latest.number,
        **latest.as_dict(),
        "published": template.published,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }
