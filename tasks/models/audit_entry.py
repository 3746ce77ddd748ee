"""The audit log: who changed what, through which door, and when. Written once, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from tasks.vocabulary import Door, choices


class AuditEntry(models.Model):
    """One write. No foreign keys: an entry outlives the user, the key and the thing it tells of.

    actor: the user's name then; empty when the shell acted for nobody. key_id: the API key that was
    used, if one was. subject: what was changed, as `task 5`.
    """

    at = models.DateTimeField(db_default=Now())
    door = models.CharField(max_length=5, choices=choices(Door))
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150, blank=True)
    key_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    details = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "audit log"
        indexes: ClassVar = [
            models.Index("actor_id", F("id").desc(), name="audit_actor"),
            models.Index("subject", F("id").desc(), name="audit_subject"),
            models.Index("door", F("id").desc(), name="audit_door"),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.subject}"
