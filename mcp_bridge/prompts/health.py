"""system_health: is the queue moving, are the providers answering?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from rest_framework import serializers

from mcp_bridge.prompts.base import Prompt, compose
from mcp_bridge.prompts.fields import SwitchField
from mcp_bridge.prompts.figures import figures_of
from mcp_bridge.schemas import WordField

_HEALTH = (
    "counts", "due", "waiting", "oldest_pending_seconds", "finished", "failed_percent",
    "mock_answers", "errors", "recent_failures",
)  # fmt: skip
_PERFORMANCE = ("throughput", "bucket_seconds", "providers")
_RESOURCES = ("workers", "live_workers", "capacity")


class HealthArguments(serializers.Serializer[Any]):
    """How far to look back, and at what."""

    time_period = WordField(
        ["hour", "day", "week"], default="day", help_text="hour, day (the default) or week."
    )
    include_performance = SwitchField(
        default="true", help_text="true (the default) or false: times, throughput, providers."
    )
    check_resources = SwitchField(
        default="true", help_text="true (the default) or false: workers; staff alone see them."
    )


def fill_health(user: AbstractBaseUser, asked: Mapping[str, Any]) -> str:
    names = [*_HEALTH]
    if asked["include_performance"] == "true":
        names += _PERFORMANCE
    if asked["check_resources"] == "true":
        names += _RESOURCES
    return compose(
        "Judge the health of this task runner over the period. Begin with one word: healthy, "
        "degraded or down. Then tell what stands out (old waiting tasks, failures by class, slow "
        "or failing providers, idle or missing workers, answers from the mock) and what to do "
        "first.",
        figures_of(user, asked["time_period"], *names),
    )


SYSTEM_HEALTH = Prompt(
    name="system_health",
    title="Check the system's health",
    description="Whether tasks move and providers answer, judged from real figures.",
    arguments=HealthArguments,
    fill=fill_health,
)
