"""A batch as it is seen from outside, and what a submit of one may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from tasks.api.representation import Money, TextOrNull
from tasks.models import Batch
from tasks.services.batch_items import MOST_IN_LIST
from tasks.services.batch_progress import progress_of
from tasks.services.batches import BatchOptionsSerializer
from tasks.services.submission import SubmissionSerializer
from tasks.vocabulary import Status


class BatchOrderSerializer(BatchOptionsSerializer):
    """Tasks to be submitted together."""

    tasks = serializers.ListField(
        child=SubmissionSerializer(), min_length=1, max_length=MOST_IN_LIST
    )


class CountsSerializer(serializers.Serializer[Any]):
    """How many of the tasks stand where."""

    PENDING = serializers.IntegerField()
    PROCESSING = serializers.IntegerField()
    COMPLETED = serializers.IntegerField()
    FAILED = serializers.IntegerField()
    CANCELLED = serializers.IntegerField()


class BatchSerializer(serializers.Serializer[Any]):
    """A batch and where it stands."""

    id = serializers.IntegerField()
    name = TextOrNull()
    status = serializers.ChoiceField(
        [word.value for word in Status],
        help_text="PENDING: none was called yet. PROCESSING: some have not ended. Then CANCELLED "
        "or FAILED if any task is; COMPLETED: every task has its answer.",
    )
    total = serializers.IntegerField(help_text="Tasks submitted.")
    counts = CountsSerializer()
    cost_usd = Money(help_text="What is known to have been spent; null: no price is known.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last task ended; null while one has not."
    )


class ResultSerializer(serializers.Serializer[Any]):
    """One line of the results; the fields are the task's."""

    id = serializers.IntegerField()
    custom_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField([word.value for word in Status])
    result = serializers.CharField(allow_null=True)


def render_batches(batches: Sequence[Batch]) -> list[dict[str, Any]]:
    """All of them, with one query for their progress."""
    progress = progress_of(batches)
    return [
        dict(
            BatchSerializer(
                {
                    "id": batch.pk,
                    "name": batch.name,
                    "status": progress[batch.pk].status.value,
                    "total": batch.total,
                    "counts": progress[batch.pk].counts,
                    "cost_usd": progress[batch.pk].cost_usd,
                    "created_at": batch.created_at,
                    "finished_at": progress[batch.pk].finished_at,
                }
            ).data
        )
        for batch in batches
    ]


def render_batch(batch: Batch) -> dict[str, Any]:
    return render_batches([batch])[0]


def render_batch_text(batch: Batch) -> str:
    """As JSON text, to be kept with an idempotency key."""
    return JSONRenderer().render(render_batch(batch)).decode()
