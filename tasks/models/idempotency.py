"""A key that a client repeats a submit with, and what the first one made."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from tasks.models.batch import Batch
from tasks.models.task import Task


class IdempotencyRecord(models.Model):
    """One owner's key, the fingerprint of its body, and the task or batch it made."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", null=True)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="+", null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once_per_owner"),
        ]

    def __str__(self) -> str:
        return f"Idempotency key of user {self.owner_id}"
