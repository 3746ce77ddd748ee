"""`GET /api/stats/`: the figures of the stats page, for programs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.schema import failures
from tasks.api.views.base import ApiView, caller
from tasks.errors import InvalidInput
from tasks.stats import StatsRange, get_snapshot
from tasks.stats.as_json import as_json
from tasks.vocabulary import Status

_RANGES = [look_back.value for look_back in StatsRange]
_RANGE = OpenApiParameter(
    "range", str, enum=_RANGES, default=StatsRange.DAY.value, description="How far to look back."
)


def _seconds(**kwargs: Any) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, **kwargs)


class PointSerializer(serializers.Serializer[Any]):
    """What finished within `bucket_seconds` from `start`; mock answers are only in `mock`."""

    start = serializers.DateTimeField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    mock = serializers.IntegerField()


class ProviderFiguresSerializer(serializers.Serializer[Any]):
    """One provider within the range; percentiles within 5 %."""

    provider = serializers.CharField()
    is_mock = serializers.BooleanField(help_text="The mock counts toward no total.")
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    fallbacks = serializers.IntegerField(help_text="Of `completed`: asked of another provider.")
    cached = serializers.IntegerField(help_text="Of `completed`: no new call was made.")
    success_percent = serializers.FloatField(allow_null=True)
    wait_p50_s = _seconds(help_text="Seconds in the queue.")
    wait_p95_s = _seconds()
    wait_p99_s = _seconds()
    run_p50_s = _seconds(help_text="Seconds from the first call to the end.")
    run_p95_s = _seconds()
    run_p99_s = _seconds()
    calls = serializers.IntegerField(help_text="Whoever answered in the end.")
    failed_calls = serializers.IntegerField(help_text="Of `calls`.")
    cost_usd = serializers.CharField(help_text="A decimal as text.")
    unpriced = serializers.IntegerField(help_text="Answers whose cost is not known.")
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class ModelFiguresSerializer(serializers.Serializer[Any]):
    """What the calls of one model used and cost within the range."""

    provider = serializers.CharField()
    model = serializers.CharField()
    answered = serializers.IntegerField(help_text="Tasks that it has answered.")
    calls = serializers.IntegerField()
    failed_calls = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    cost_usd = serializers.CharField(help_text="A decimal as text.")
    unpriced = serializers.IntegerField(help_text="Answers whose cost is not known.")


class TemplateFiguresSerializer(serializers.Serializer[Any]):
    """What the tasks made with one template came to within the range."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_percent = serializers.FloatField(allow_null=True)
    mean_run_s = _seconds(help_text="Of those that COMPLETED.")
    cost_usd = serializers.CharField(help_text="A decimal as text.")


class ErrorFiguresSerializer(serializers.Serializer[Any]):
    """Tasks that FAILED within the range with one error at one provider."""

    provider = serializers.CharField()
    code = serializers.CharField()
    count = serializers.IntegerField()


class FailureSerializer(serializers.Serializer[Any]):
    """A task that FAILED lately."""

    id = serializers.IntegerField()
    provider = serializers.CharField()
    model = serializers.CharField()
    error_code = serializers.CharField()
    message = serializers.CharField()
    finished_at = serializers.DateTimeField(allow_null=True)


class WorkerFiguresSerializer(serializers.Serializer[Any]):
    """One worker process."""

    name = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField()
    slots = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    beat_age_s = serializers.FloatField(help_text="Seconds since it was heard of.")
    is_alive = serializers.BooleanField()


class LaneSerializer(serializers.Serializer[Any]):
    """Whether calls go to a provider now; if not, why, and until when."""

    provider = serializers.CharField()
    is_configured = serializers.BooleanField()
    is_paused = serializers.BooleanField()
    breaker = serializers.CharField(help_text="closed, open or half_open.")
    force = serializers.CharField(help_text="What an operator wants; auto: nothing.")
    breaker_reason = serializers.CharField()
    is_blocked = serializers.BooleanField()
    reason = serializers.CharField()
    until = serializers.DateTimeField(
        allow_null=True, help_text="Null while blocked: until an operator acts."
    )
    next_probe = serializers.DateTimeField(allow_null=True)


class QueuePointSerializer(serializers.Serializer[Any]):
    """The worst within `bucket_seconds` from `start`; null: nobody looked."""

    start = serializers.DateTimeField()
    depth = serializers.IntegerField(allow_null=True, help_text="Tasks due at once.")
    oldest_pending_seconds = _seconds()


class AlertSerializer(serializers.Serializer[Any]):
    """Something is wrong since then."""

    key = serializers.CharField(help_text="For example `breaker_open:openai`.")
    message = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    better_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when it looks well again; over once that has lasted."
    )


class StatsSerializer(serializers.Serializer[Any]):
    """Figures of the caller's tasks; of all tasks for staff."""

    range = serializers.ChoiceField(_RANGES)
    generated_at = serializers.DateTimeField()
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"All tasks, by {', '.join(Status)}."
    )
    total = serializers.IntegerField()
    due = serializers.IntegerField(help_text="PENDING tasks that only want a free slot.")
    waiting = serializers.DictField(
        child=serializers.IntegerField(), help_text="PENDING tasks that wait, by their reason."
    )
    oldest_pending_seconds = _seconds(help_text="Of the due tasks.")
    finished = serializers.DictField(
        child=serializers.IntegerField(), help_text="Within the range."
    )
    failed_percent = serializers.FloatField(allow_null=True, help_text="Without the mock.")
    mock_answers = serializers.IntegerField()
    cost_usd = serializers.CharField(help_text="Within the range; a decimal as text.")
    cost_today_usd = serializers.CharField(help_text="Since midnight UTC.")
    saved_usd = serializers.CharField(
        help_text="Within the range: what answers that were used again had cost."
    )
    bucket_seconds = serializers.IntegerField()
    throughput = PointSerializer(many=True)
    providers = ProviderFiguresSerializer(many=True)
    models = ModelFiguresSerializer(many=True)
    templates = TemplateFiguresSerializer(many=True)
    errors = ErrorFiguresSerializer(many=True)  # type: ignore[assignment]
    recent_failures = FailureSerializer(many=True)
    workers = WorkerFiguresSerializer(many=True, allow_null=True, help_text="Staff only.")
    breakers = LaneSerializer(many=True, allow_null=True, help_text="Staff only.")
    alerts = AlertSerializer(many=True, allow_null=True, help_text="Staff only.")
    queue = QueuePointSerializer(many=True, allow_null=True, help_text="Staff only.")
    capacity = serializers.IntegerField(allow_null=True, help_text="Slots of the live workers.")
    live_workers = serializers.IntegerField(allow_null=True)


class StatsView(ApiView):
    """How the queue, the providers and the workers are doing."""

    query_names = ("range",)

    @extend_schema(
        operation_id="stats_retrieve",
        summary="Get figures",
        parameters=[_RANGE],
        responses={200: StatsSerializer, **failures(400)},
        tags=["stats"],
    )
    def get(self, request: Request) -> Response:
        """Counts, waiting and run times, throughput, cost and errors; a few seconds old."""
        word = request.query_params.get("range", StatsRange.DAY.value)
        if word not in set(StatsRange):
            raise InvalidInput({"range": [f"Must be one of {', '.join(StatsRange)}."]})
        return Response(as_json(get_snapshot(caller(request), StatsRange(word))))
