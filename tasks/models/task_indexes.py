"""By what tasks are found: the queue's work first, then what the lists and the figures ask for.

An index that most tasks never enter says so in its condition, and costs them nothing.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tasks.vocabulary import ResultSource

ODD_SOURCES = (ResultSource.FALLBACK.value, ResultSource.CACHE.value, ResultSource.MOCK.value)
"""Answers that did not come from the provider asked: few, and looked for."""


_OWN_ORDERS: tuple[tuple[str, dict[str, bool]], ...] = (
    ("updated_at", {}),
    ("started_at", {"started_at__isnull": False}),
    ("finished_at", {"finished_at__isnull": False}),
)
"""What the tasks of a batch, and those of a template, are ordered by among themselves."""

TASK_INDEXES = [
    models.Index(
        (F("priority") + F("boost")).desc(),
        "id",
        name="task_due",
        condition=Q(status="PENDING", wake_at__isnull=True),
    ),
    models.Index(
        fields=["wake_at"],
        name="task_waiting",
        condition=Q(status="PENDING", wake_at__isnull=False),
    ),
    models.Index(
        "held_by",
        (F("priority") + F("boost")).desc(),
        "id",
        name="task_held",
        condition=Q(status="PENDING", held_by__isnull=False),
    ),
    models.Index(fields=["lease_expires_at"], name="task_lease", condition=Q(status="PROCESSING")),
    models.Index(
        fields=["expires_at"],
        name="task_expiry",
        condition=Q(status="PENDING", expires_at__isnull=False),
    ),
    models.Index("status", F("id").desc(), name="task_status_id"),
    models.Index("provider", "status", F("id").desc(), name="task_provider_status_id"),
    models.Index("provider", F("id").desc(), name="task_provider_id"),
    models.Index(
        "error_code",
        F("id").desc(),
        "provider",
        name="task_error",
        condition=Q(status="FAILED"),
    ),
    models.Index(
        "served_provider",
        F("id").desc(),
        "provider",
        "result_source",
        "template_version",
        name="task_served",
        condition=Q(status="COMPLETED"),
    ),
    models.Index(
        "served_model",
        F("id").desc(),
        "provider",
        "served_provider",
        "result_source",
        "template_version",
        name="task_served_model",
        condition=Q(status="COMPLETED"),
    ),
    # What stands behind the id is judged, and sorted by, without reading the rows.
    models.Index(
        "owner",
        F("id").desc(),
        "provider",
        "model",
        "priority",
        "created_at",
        name="task_owner_id",
    ),
    models.Index("owner", "status", F("id").desc(), name="task_owner_status_id"),
    models.Index(
        "result_source",
        F("id").desc(),
        "owner",
        "priority",
        "created_at",
        name="task_odd_source",
        condition=Q(result_source__in=ODD_SOURCES),
    ),
    models.Index(fields=["created_at", "id"], name="task_created"),
    models.Index(fields=["updated_at", "id"], name="task_updated"),
    models.Index(
        fields=["started_at", "id"],
        name="task_started",
        condition=Q(started_at__isnull=False),
    ),
    models.Index(
        fields=["priority", "id", "provider", "model", "created_at", "owner"],
        name="task_priority_id",
    ),
    models.Index("model", F("id").desc(), name="task_model_id"),
    # Of all states, unlike `task_error`: the few tasks with any trouble at all.
    models.Index(
        "error_code",
        F("id").desc(),
        "owner",
        "priority",
        "created_at",
        name="task_trouble",
        condition=Q(error_code__gt=""),
    ),
    models.Index(F("id").desc(), "owner", name="task_truncated", condition=Q(truncated=True)),
    models.Index(
        fields=["finished_at", "id"],
        name="task_finished",
        condition=Q(finished_at__isnull=False),  # a live task is not written there
    ),
    models.Index(
        fields=["share_key", "finished_at"],
        name="task_share",
        condition=Q(share_key__isnull=False),
    ),
    models.Index(
        fields=["batch", "id", "owner", "priority", "created_at", "status"],
        name="task_batch",
        condition=Q(batch__isnull=False),
    ),
    models.Index(
        fields=["template_version", "id", "owner", "priority", "created_at", "status"],
        name="task_template",
        condition=Q(template_version__isnull=False),
    ),
    *(
        models.Index(
            fields=[kind, field, "id"],
            name=f"task_{shelf}_{field}",
            condition=Q(**{f"{kind}__isnull": False} | limit),
        )
        for kind, shelf in (("batch", "batch"), ("template_version", "template"))
        for field, limit in _OWN_ORDERS
    ),
    models.Index(fields=["id"], name="task_unstarted", condition=Q(started_at__isnull=True)),
    # All that a batch tells of its tasks, so that the rows themselves are not read.
    models.Index(
        fields=["batch", "status", "finished_at", "cost_usd"],
        name="task_batch_progress",
        condition=Q(batch__isnull=False),
    ),
]
