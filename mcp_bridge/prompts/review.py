"""performance_review: a period against the one before, or against what is known of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, Q, Sum
from django.utils import timezone
from rest_framework import serializers

from mcp_bridge.prompts.base import Prompt, compose
from mcp_bridge.prompts.fields import WordListField
from mcp_bridge.prompts.figures import PERIODS, figures_of
from mcp_bridge.results import usd
from mcp_bridge.schemas import WordField
from tasks.querysets import TaskQuerySet
from tasks.services import visible_tasks
from tasks.stats.finished import run_histograms, wait_histograms
from tasks.stats.latency import percentile_s
from tasks.vocabulary import ResultSource, Status

_METRICS: Mapping[str, tuple[str, ...]] = {
    "throughput": ("finished", "throughput", "bucket_seconds"),
    "latency": ("providers", "oldest_pending_seconds"),
    "errors": ("failed_percent", "errors", "recent_failures"),
    "cost": ("cost_usd", "cost_today_usd", "providers"),
}


class ReviewArguments(serializers.Serializer[Any]):
    """Which period, against what, with regard to what."""

    review_period = WordField(
        list(PERIODS), default="week", help_text="hour, day, week (the default) or month."
    )
    benchmark_type = WordField(
        ["historical", "industry"],
        default="historical",
        help_text="historical (the default): the period before; industry: what you know of others.",
    )
    focus_metrics = WordListField(
        _METRICS,
        default=list(_METRICS),
        help_text=f"Some of {', '.join(_METRICS)}, separated by commas; all by default.",
    )


def fill_review(user: AbstractBaseUser, asked: Mapping[str, Any]) -> str:
    names = dict.fromkeys(name for metric in asked["focus_metrics"] for name in _METRICS[metric])
    figures: dict[str, Any] = {"period": figures_of(user, asked["review_period"], *names)}
    if asked["benchmark_type"] == "historical":
        length = PERIODS[asked["review_period"]].length
        now = timezone.now()
        tasks = visible_tasks(user)
        figures["this_period"] = _in_short(tasks, now - length, now)
        figures["period_before"] = _in_short(tasks, now - 2 * length, now - length)
        against = "the period of the same length before it"
    else:
        against = (
            "what you know of comparable systems; no such figures are kept here, so say where "
            "yours come from and how old they are"
        )
    return compose(
        f"Review this task runner's performance with regard to {', '.join(asked['focus_metrics'])}."
        f" Compare the period with {against}. Tell what became better, what became worse, and "
        "what to change.",
        figures,
    )


def _in_short(tasks: TaskQuerySet, start: Any, end: Any) -> dict[str, Any]:
    ended = tasks.filter(finished_at__gte=start, finished_at__lt=end)
    answered = ended.filter(status__in=[Status.COMPLETED, Status.FAILED]).exclude(
        result_source=ResultSource.CACHE
    )
    totals = ended.order_by().aggregate(
        completed=Count("pk", filter=Q(status=Status.COMPLETED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
        cost_usd=Sum("cost_usd"),
    )
    return {
        "from": start,
        "to": end,
        **(totals | {"cost_usd": usd(totals["cost_usd"])}),
        "wait_p95_seconds": _p95(wait_histograms(answered)),
        "run_p95_seconds": _p95(run_histograms(answered)),
    }


def _p95(histograms: Mapping[str, Mapping[int, int]]) -> dict[str, float | None]:
    return {provider: percentile_s(bins, 0.95) for provider, bins in histograms.items()}


PERFORMANCE_REVIEW = Prompt(
    name="performance_review",
    title="Review the performance",
    description="Throughput, latency, errors and cost of a period, compared with another.",
    arguments=ReviewArguments,
    fill=fill_review,
)
