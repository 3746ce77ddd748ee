"""A saved view: a user's own name for a set of filters on the list of tasks."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """`query` is what stands behind the `?` of the list's address."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views",
        db_index=False,
    )  # fmt: skip
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_once_per_owner"),
        ]

    def __str__(self) -> str:
        return self.name
