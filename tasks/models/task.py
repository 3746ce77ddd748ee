"""The task: what a user asked, where it stands, what came out. Its row is the queue."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tasks.models.batch import Batch
from tasks.models.task_indexes import TASK_INDEXES
from tasks.models.template import TemplateVersion
from tasks.querysets import TaskQuerySet
from tasks.vocabulary import (
    DEFAULT_PRIORITY,
    MAX_PRIORITY,
    MIN_PRIORITY,
    Provider,
    ResultSource,
    Status,
    choices,
)


class Task(models.Model):
    """One prompt for one provider. Only services and the engine write it.

    `boost` is what waiting has added to the priority; both together order the queue.
    `wake_at` is the engine's: null while the row is due, else the moment it becomes due again
    (scheduled, backing off, deferred). So the claim's index holds due rows only, however many wait.
    `held_by` is the shared limit that it waits for, if it does, and `held_needs` what it counts for
    there. `share_key` is what identical requests have in common, while answers are shared at all.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    status = models.CharField(
        max_length=10, choices=choices(Status), default=Status.PENDING.value, editable=False
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, null=True, related_name="tasks", db_index=False,
        editable=False,
    )  # fmt: skip
    template_version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, null=True, related_name="tasks", db_index=False,
        editable=False,
    )  # fmt: skip
    # What was asked.
    prompt = models.TextField()
    system = models.TextField(blank=True, default="")
    provider = models.CharField(max_length=20, choices=choices(Provider))
    model = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField(
        default=DEFAULT_PRIORITY,
        validators=[MinValueValidator(MIN_PRIORITY), MaxValueValidator(MAX_PRIORITY)],
    )
    max_tokens = models.PositiveIntegerField(null=True, blank=True)
    temperature = models.FloatField(null=True, blank=True)
    failover = models.BooleanField(default=True)
    max_attempts = models.PositiveSmallIntegerField()
    run_after = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    custom_id = models.CharField(max_length=200, blank=True, default="")
    # What came out.
    result = models.TextField(null=True, editable=False)
    result_source = models.CharField(
        max_length=10, choices=choices(ResultSource), blank=True, default="", editable=False
    )
    served_provider = models.CharField(max_length=20, blank=True, default="", editable=False)
    served_model = models.CharField(max_length=100, blank=True, default="", editable=False)
    finish_reason = models.CharField(max_length=20, blank=True, default="", editable=False)
    truncated = models.BooleanField(default=False, editable=False)
    error_code = models.CharField(max_length=40, blank=True, default="", editable=False)
    error_message = models.TextField(blank=True, default="", editable=False)
    prompt_tokens = models.PositiveIntegerField(null=True, editable=False)
    completion_tokens = models.PositiveIntegerField(null=True, editable=False)
    cached_tokens = models.PositiveIntegerField(null=True, editable=False)
    cost_usd = models.DecimalField(max_digits=18, decimal_places=10, null=True, editable=False)
    saved_usd = models.DecimalField(max_digits=18, decimal_places=10, null=True, editable=False)
    # The engine's.
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    claims = models.PositiveIntegerField(default=0, editable=False)
    boost = models.PositiveSmallIntegerField(default=0, editable=False)
    wake_at = models.DateTimeField(null=True, editable=False)
    waiting_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    held_by = models.CharField(max_length=20, null=True, editable=False)
    held_needs = models.FloatField(null=True, editable=False)
    share_key = models.CharField(max_length=32, null=True, editable=False)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = TASK_INDEXES

    def __str__(self) -> str:
        return f"Task {self.pk} ({self.status})"

    @property
    def state(self) -> Status:
        return Status(self.status)

    @property
    def is_terminal(self) -> bool:
        return self.state.is_terminal

    @property
    def template(self) -> str | None:
        """The template and version that made the prompt, `name@version`; None: a plain one."""
        return None if self.template_version_id is None else str(self.template_version)

    @property
    def queue_seconds(self) -> float | None:
        """Seconds from when it could have run first to its first call; None before that."""
        if self.started_at is None:
            return None
        due_at = max(self.created_at, self.run_after or self.created_at)
        return _seconds(due_at, self.started_at)

    @property
    def run_seconds(self) -> float | None:
        """Seconds from its first call to its end, retries included; None before that."""
        if self.started_at is None or self.finished_at is None:
            return None
        return _seconds(self.started_at, self.finished_at)


def _seconds(start: datetime, end: datetime) -> float:
    """Never below zero: two hosts' clocks may have written the two ends."""
    return max(0.0, round((end - start).total_seconds(), 3))
