"""How the queue stood at a minute: what the tasks themselves can no longer tell afterwards."""

from __future__ import annotations

from django.db import models


class QueueSample(models.Model):
    """One row a minute, counted from 1970. `oldest_s`: the age of the task longest due."""

    minute = models.BigIntegerField(primary_key=True)
    due = models.IntegerField()
    waiting = models.IntegerField()
    running = models.IntegerField()
    oldest_s = models.FloatField(null=True)
    live_workers = models.IntegerField()
    slots = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.due} due at minute {self.minute}"
