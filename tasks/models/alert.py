"""An alert as it stands: one row a rule and what it is about."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Alert(models.Model):
    """`key` is the rule, with its subject behind a colon. `untold`: the channels that have not yet
    been told of the last change."""

    key = models.CharField(max_length=60, primary_key=True)
    is_firing = models.BooleanField(default=False)
    turning_since = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=300, blank=True, default="")
    untold = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.key
