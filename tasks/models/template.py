"""The template: a prompt with placeholders. Its versions are never changed, only followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from tasks.policy.placeholders import fill
from tasks.querysets import OwnedQuerySet


class PromptTemplate(models.Model):
    """A name for a line of versions. `published`: MCP clients of its owner see it as a prompt.

    `archived_at`: deleted by its owner; kept for the tasks that were made with it.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="templates"
    )
    name = models.CharField(max_length=64)
    published = models.BooleanField(default=False)
    latest = models.PositiveIntegerField(default=1, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "template"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(archived_at__isnull=True),
                name="template_name_once_per_owner",
            )
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """One wording of a template. variables: `[{"name", "description", "default"}]`, in the order
    of their use; a default of None means that a value must be given."""

    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    prompt = models.TextField()
    description = models.CharField(max_length=500, blank=True, default="")
    variables = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "number"], name="template_version_once_per_template"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template.name}@{self.number}"

    @property
    def defaults(self) -> dict[str, str | None]:
        return {one["name"]: one["default"] for one in self.variables}

    def render(self, values: Mapping[str, str]) -> str:
        """The prompt with these values, defaults where there are none. Raises KeyError."""
        defaults = {name: value for name, value in self.defaults.items() if value is not None}
        return fill(self.prompt, {**defaults, **values})

    def as_dict(self) -> dict[str, Any]:
        """What an edit may change."""
        return {
            "prompt": self.prompt, "description": self.description, "variables": self.variables,
        }  # fmt: skip
