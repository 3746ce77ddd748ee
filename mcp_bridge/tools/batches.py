"""create_batch and get_batch_status: many prompts with one call, followed as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from rest_framework import serializers

from mcp_bridge.batch_results import BatchCounts, BatchMade, BatchStatus
from mcp_bridge.results import usd
from mcp_bridge.schemas import Schema, TaskIdField
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from mcp_bridge.tools.create import CreateArguments, limits
from tasks.models import Batch
from tasks.services.access import get_batch
from tasks.services.batch_progress import progress_of
from tasks.services.batches import create_batch as submit_batch
from tasks.services.fields import StrictText, Text
from tasks.services.staging import Item

_MOST_TASKS = 100
_MOST_IDS = 1_000
_OF_THE_BATCH = ("name", "idempotency_key", "prompts", "tasks")


class BatchTaskArguments(CreateArguments):
    """One task of a batch. What it leaves out, it takes from the batch."""

    shown_as_required: ClassVar[tuple[str, ...]] = ()
    custom_id = StrictText(  # type: ignore[assignment]
        max_length=200, required=False, help_text="Your own name for this task."
    )
    idempotency_key = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs  # judged by the submit, together with the batch's own arguments


class BatchArguments(CreateArguments):
    """Prompts or tasks, and what holds for all of them."""

    shown_as_required: ClassVar[tuple[str, ...]] = ()
    name = StrictText(max_length=200, required=False, help_text="Your own name for the batch.")
    prompts = serializers.ListField(
        child=Text(),
        min_length=1,
        max_length=_MOST_TASKS,
        required=False,
        help_text="1 to 100 prompts, each to become a task. Give these or `tasks`.",
    )
    tasks = serializers.ListField(
        child=BatchTaskArguments(),
        min_length=1,
        max_length=_MOST_TASKS,
        required=False,
        help_text="1 to 100 tasks with arguments of their own. Give these or `prompts`.",
    )
    prompt = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("prompts" in attrs) == ("tasks" in attrs):
            raise serializers.ValidationError({"prompts": ["Give either prompts or tasks."]})
        return attrs


class BatchIdField(TaskIdField):
    """A batch's id as a number or as its digits."""

    help_words = "The id that create_batch returned."


class BatchIdArguments(serializers.Serializer[Any]):
    """One batch."""

    batch_id = BatchIdField()


def create_batch(user: AbstractBaseUser, call: Call) -> BatchMade:
    given = call.given
    common = {name: value for name, value in given.items() if name not in _OF_THE_BATCH}
    options = {"name": given["name"]} if "name" in given else {}
    key = given.get("idempotency_key")
    batch = submit_batch(user, _items(given, common), options=options, idempotency_key=key).batch
    status = progress_of([batch])[batch.pk].status
    return BatchMade(batch_id=batch.pk, count=batch.total, status=status)


def _items(given: Mapping[str, Any], common: Mapping[str, Any]) -> list[Item]:
    if "prompts" in given:
        return [
            Item(place=f"prompts.{index}", value={**common, "prompt": prompt})
            for index, prompt in enumerate(given["prompts"])
        ]
    return [
        Item(place=f"tasks.{index}", value={**_common_to(task, common), **task})
        for index, task in enumerate(given["tasks"])
    ]


def _common_to(task: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """A task with a prompt of its own wants no template of the batch's."""
    unwanted = ("template", "variables") if "prompt" in task else ()
    return {name: value for name, value in common.items() if name not in unwanted}


def batch_limits() -> Mapping[str, Schema]:
    """What the settings and the catalogue allow now."""
    return {name: schema for name, schema in limits().items() if name != "prompt"}


def get_batch_status(user: AbstractBaseUser, call: Call) -> BatchStatus:
    return status_of(get_batch(user, call.clean["batch_id"]))


def status_of(batch: Batch) -> BatchStatus:
    progress = progress_of([batch])[batch.pk]
    ids = list(batch.tasks.order_by("pk").values_list("pk", flat=True)[: _MOST_IDS + 1])
    return BatchStatus(
        batch_id=batch.pk,
        name=batch.name or None,
        status=progress.status,
        total=batch.total,
        counts=BatchCounts(**{status.value: n for status, n in progress.counts.items()}),
        task_ids=ids[:_MOST_IDS],
        has_more_task_ids=len(ids) > _MOST_IDS,
        cost_usd=usd(progress.cost_usd),
        created_at=batch.created_at,
        finished_at=progress.finished_at,
    )


CREATE_BATCH = Tool(
    name="create_batch",
    title="Submit many prompts",
    description=(
        "Submit up to 100 prompts as background tasks of one batch, all or none. Then call "
        "get_batch_status with the batch_id; each answer comes from an AI provider and may cost "
        "money."
    ),
    arguments=BatchArguments,
    output_schema=schema_of(BatchMade),
    run=in_database(create_batch),
    is_read_only=False,
    is_idempotent=False,
    is_open_world=True,
    icon="plus",
    limits=batch_limits,
)
GET_BATCH_STATUS = Tool(
    name="get_batch_status",
    title="Look at a batch",
    description=(
        "How many tasks of a batch stand where, their ids in the order of the submit, and what "
        "was spent. Read an answer with get_task_result."
    ),
    arguments=BatchIdArguments,
    output_schema=schema_of(BatchStatus),
    run=in_database(get_batch_status),
    icon="eye",
)
