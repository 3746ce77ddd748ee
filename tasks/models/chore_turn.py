"""Whose turn a periodic chore is: the process that moves `due_at` on runs it, on any machine."""

from __future__ import annotations

from django.db import models


class ChoreTurn(models.Model):
    """One row a chore, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
