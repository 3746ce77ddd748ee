"""How a task looks from outside: the fields that docs/api.md shows. Read only.

What is not known is null, never an empty text or a zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from tasks.models import Attempt, Task
from tasks.services.partials import partial_text
from tasks.vocabulary import FinishReason, Outcome, Provider, ResultSource, Status


class TextOrNull(serializers.CharField):
    """A text column whose empty value means that there is nothing to say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None


class WordOrNull(serializers.ChoiceField):
    """A word of a vocabulary, or null."""

    def __init__(self, words: type[StrEnum], **kwargs: Any) -> None:
        listed = [word.value for word in words]
        super().__init__(listed, read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None


class Money(serializers.CharField):
    """US dollars as a plain decimal text; null means that no price is known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return f"{Decimal(value).normalize():f}"


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens as billed; null where the provider did not say."""

    prompt_tokens = serializers.IntegerField(allow_null=True, help_text="The whole prompt.")
    completion_tokens = serializers.IntegerField(allow_null=True)
    cached_tokens = serializers.IntegerField(
        allow_null=True, help_text="The part of the prompt that came from the provider's cache."
    )


class ServedBySerializer(serializers.Serializer[Any]):
    """Who really answered; null until somebody did."""

    provider = TextOrNull(source="served_provider")
    model = TextOrNull(source="served_model")


class TaskErrorSerializer(serializers.Serializer[Any]):
    """Why the task failed, or the last failure of one that will be tried again."""

    code = serializers.CharField()
    message = serializers.CharField()


class TaskSerializer(serializers.Serializer[Any]):
    """A task as lists show it."""

    id = serializers.IntegerField(read_only=True)
    status = serializers.ChoiceField([word.value for word in Status], read_only=True)
    prompt = serializers.CharField(read_only=True)
    provider = serializers.ChoiceField(
        [word.value for word in Provider], read_only=True, help_text="As asked."
    )
    model = TextOrNull(help_text="As asked; null while `auto` has not been told one.")
    priority = serializers.IntegerField(read_only=True, help_text="10 is called first.")
    result = serializers.CharField(read_only=True, allow_null=True)
    result_source = WordOrNull(ResultSource, help_text="Who stands behind the result.")
    served_by = ServedBySerializer(source="*", read_only=True)
    finish_reason = WordOrNull(FinishReason)
    truncated = serializers.BooleanField(read_only=True, help_text="Was the answer cut?")
    error = serializers.SerializerMethodField()
    attempts = serializers.IntegerField(read_only=True, help_text="Provider calls spent.")
    max_attempts = serializers.IntegerField(read_only=True)
    waiting_reason = TextOrNull(help_text="Why a PENDING task is not called yet.")
    run_after = serializers.DateTimeField(read_only=True, allow_null=True)
    usage = UsageSerializer(source="*", read_only=True)
    cost_usd = Money(help_text="A decimal as text; null: no price is known.")
    queue_seconds = serializers.FloatField(read_only=True, allow_null=True)
    run_seconds = serializers.FloatField(read_only=True, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)
    metadata = serializers.DictField(read_only=True)
    batch = serializers.IntegerField(
        source="batch_id",
        read_only=True,
        allow_null=True,
        help_text="Its batch; null: it came alone.",
    )
    template = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="The template and version that made its prompt, name@version; null: a plain one.",
    )
    custom_id = TextOrNull(help_text="Your own name for it.")
    owner = serializers.CharField(source="owner.username", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
    updated_at = serializers.DateTimeField(read_only=True)

    @extend_schema_field(TaskErrorSerializer(allow_null=True))
    def get_error(self, task: Task) -> dict[str, Any] | None:
        if not task.error_code:
            return None
        return {"code": task.error_code, "message": task.error_message}


class AttemptSerializer(serializers.Serializer[Any]):
    """One provider call. `outcome` is null while it runs."""

    number = serializers.IntegerField(read_only=True)
    provider = TextOrNull()
    model = TextOrNull()
    outcome = WordOrNull(Outcome)
    error_code = TextOrNull()
    message = TextOrNull()
    http_status = serializers.IntegerField(read_only=True, allow_null=True)
    request_id = TextOrNull(help_text="The provider's own, for its support.")
    started_at = serializers.DateTimeField(read_only=True)
    finished_at = serializers.DateTimeField(read_only=True, allow_null=True)
    usage = UsageSerializer(source="*", read_only=True)
    cost_usd = Money()
    first_token_seconds = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text="From the request to the first text; null: it was not streamed, or none came.",
    )


class TaskDetailSerializer(TaskSerializer):
    """A task with the log of its attempts, and what its running call has brought so far."""

    # A field by this name and DRF's own attribute are no clash: the metaclass takes fields away.
    partial = serializers.SerializerMethodField()  # type: ignore[assignment]
    attempt_log = serializers.SerializerMethodField()

    def get_partial(self, task: Task) -> str | None:
        """The text so far of the call that is running; null: none is, or it is not streamed."""
        return partial_text(task)

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempt_log(self, task: Task) -> list[dict[str, Any]]:
        if not task.claims:  # never called: there is nothing to look for
            return []
        attempts = Attempt.objects.filter(task=task).order_by("number")
        return [_ATTEMPT.to_representation(attempt) for attempt in attempts]


# One of each for all answers: DRF copies every field of a serializer that is made anew, which costs
# ten times what it costs to represent a task by one. They keep nothing of what they represent.
_ATTEMPT, _TASK, _DETAIL = AttemptSerializer(), TaskSerializer(), TaskDetailSerializer()


def render_tasks(tasks: Iterable[Task]) -> list[dict[str, Any]]:
    """As lists show them."""
    return [_TASK.to_representation(task) for task in tasks]


def render_task(task: Task) -> dict[str, Any]:
    """With the log of its attempts."""
    return _DETAIL.to_representation(task)


def render_text(task: Task) -> str:
    """The same as JSON text, to be kept with an idempotency key."""
    return JSONRenderer().render(render_task(task)).decode()
