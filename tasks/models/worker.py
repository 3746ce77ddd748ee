"""A worker process as it shows itself: who, where, how busy, when last heard of."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Worker(models.Model):
    """One drain. The row lives as long as the drain; `beat_at` is the database's clock."""

    name = models.CharField(max_length=80, unique=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    slots = models.PositiveIntegerField()
    in_flight = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
