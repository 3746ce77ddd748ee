"""Published templates of the caller's own, each as a prompt with its variables as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import F, QuerySet
from mcp_types import Prompt as ListedPrompt
from mcp_types import PromptArgument
from rest_framework import serializers

from mcp_bridge.icons import icon
from tasks.models import TemplateVersion
from tasks.services.fields import Text
from tasks.services.submission import clean
from tasks.services.template_shelf import render


class _Values(serializers.Serializer[Any]):
    variables = serializers.DictField(child=Text())


def list_published(user: AbstractBaseUser) -> list[ListedPrompt]:
    """By name. A variable with a default is an argument that can be left out."""
    return [_listed(version) for version in _published(user).order_by("template__name")]


def find_published(user: AbstractBaseUser, name: str) -> TemplateVersion | None:
    """The latest version of the published template of this name."""
    if "\x00" in name or not name.isascii():
        return None
    return _published(user).filter(template__name=name).first()


def fill_published(version: TemplateVersion, values: Mapping[str, str]) -> str:
    """The prompt that a task would be asked. Raises: InvalidInput."""
    return render(version, clean(_Values, {"variables": dict(values)})["variables"])


def _published(user: AbstractBaseUser) -> QuerySet[TemplateVersion]:
    return TemplateVersion.objects.select_related("template").filter(
        template__owner_id=user.pk,
        template__published=True,
        template__archived_at=None,
        number=F("template__latest"),
    )


def _listed(version: TemplateVersion) -> ListedPrompt:
    return ListedPrompt(
        name=version.template.name,
        title=version.template.name,
        description=version.description or f"Your template {version}.",
        icons=icon("page"),
        arguments=[
            PromptArgument(
                name=one["name"],
                description=one["description"] or f"Text for {{{{ {one['name']} }}}}.",
                required=one["default"] is None,
            )
            for one in version.variables
        ],
    )
