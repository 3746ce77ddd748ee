"""How many tasks there are, added up by their ids: counting a million takes longer than a look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

TASKS_A_BLOCK = 20_000


class TaskBlock(models.Model):
    """`count` tasks of one owner, or (no owner) of everybody, have an id of this block: from
    `number * TASKS_A_BLOCK` on, so many. A block without its row of everybody is not counted yet.
    """

    number = models.IntegerField()
    owner: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
    )
    count = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "number"], name="block_once_per_owner"),
            models.UniqueConstraint(
                fields=["number"], name="block_once", condition=Q(owner__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} tasks of block {self.number}"

    @classmethod
    def forget(cls, task_ids: Iterable[int]) -> None:
        """Tasks with these ids are gone: their blocks are to be counted anew."""
        cls.objects.filter(number__in={pk // TASKS_A_BLOCK for pk in task_ids}).delete()
