"""The batch: tasks that were submitted together. Where it stands is read from its tasks."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tasks.querysets import OwnedQuerySet


class Batch(models.Model):
    """A name for the tasks of one submit. `total`: how many there were, kept when some are gone.

    `is_open`: nobody was told yet that all its tasks have ended.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches", db_index=False
    )
    name = models.CharField(max_length=200, blank=True, default="")
    total = models.PositiveIntegerField(editable=False)
    is_open = models.BooleanField(default=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "batches"
        indexes: ClassVar = [
            models.Index("owner", F("id").desc(), name="batch_owner_id"),
            models.Index(fields=["id"], name="batch_open", condition=Q(is_open=True)),
        ]

    def __str__(self) -> str:
        return f"Batch {self.pk}"
