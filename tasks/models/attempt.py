"""The attempt: one provider call, written down before anything is sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tasks.models.task import Task
from tasks.querysets import AttemptQuerySet
from tasks.vocabulary import Outcome, choices


class Attempt(models.Model):
    """One claim of one task. `outcome` is empty while the call runs.

    `lease_token` is the fence: a result is accepted only while the task still carries it.
    `partial` is the text of a streamed answer as far as it has come; null once the call has ended.
    `first_token_ms`: from sending the request to the first text; null: not streamed, or none came.
    """

    task = models.ForeignKey(
        Task, on_delete=models.CASCADE, related_name="attempt_log", db_index=False
    )
    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100)
    worker = models.CharField(max_length=80, blank=True, default="")
    lease_token = models.UUIDField()
    outcome = models.CharField(
        max_length=10, choices=choices(Outcome), blank=True, default="", editable=False
    )
    error_code = models.CharField(max_length=40, blank=True, default="")
    message = models.TextField(blank=True, default="")
    http_status = models.PositiveSmallIntegerField(null=True)
    request_id = models.CharField(max_length=200, blank=True, default="")
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    cached_tokens = models.PositiveIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=18, decimal_places=10, null=True)
    # USD per 1M tokens that the cost was reckoned by; null: unpriced.
    input_rate = models.DecimalField(max_digits=18, decimal_places=10, null=True)
    cached_rate = models.DecimalField(max_digits=18, decimal_places=10, null=True)
    output_rate = models.DecimalField(max_digits=18, decimal_places=10, null=True)
    partial = models.TextField(null=True, editable=False)
    first_token_ms = models.PositiveIntegerField(null=True, editable=False)
    is_late = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["number"]
        indexes: ClassVar = [
            models.Index(
                fields=["provider", "finished_at", "outcome", "model", "task"],
                name="attempt_provider_finished",
                condition=models.Q(finished_at__isnull=False),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task", "number"], name="attempt_once_per_task"),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of task {self.task_id}"

    @property
    def first_token_seconds(self) -> float | None:
        """Seconds from sending the request to the first text of a streamed answer."""
        return None if self.first_token_ms is None else self.first_token_ms / 1000
