"""task_analysis: a group of tasks, looked at for one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Avg, Count, Max, Sum
from rest_framework import serializers

from mcp_bridge.prompts.base import Prompt, compose
from mcp_bridge.prompts.figures import counts_of, samples_of
from mcp_bridge.results import usd
from mcp_bridge.schemas import WordField
from mcp_bridge.tools.create import known_models
from tasks.querysets import TaskQuerySet
from tasks.services import visible_tasks
from tasks.services.fields import StrictText
from tasks.services.selection import select_tasks
from tasks.services.tag_filter import has_tag
from tasks.services.templates import visible_templates
from tasks.vocabulary import Provider, Status

_SAMPLES = {"overview": 0, "shallow": 10, "deep": 50}
_TAGGED = 200  # tasks whose tags are offered
_TEMPLATES = 100
_FOCUS = {
    "performance": "speed: waiting times, run times, attempts",
    "errors": "failures: their classes, causes and remedies",
    "usage": "usage: who is asked for what, tokens, cost",
}


class GroupField(StrictText):
    """Some of the tasks, by one word."""

    def words_of(self, user: AbstractBaseUser) -> list[str]:
        """What this user may mean: fixed words, models, templates, and tags of the newest tasks."""
        newest = visible_tasks(user).order_by("-id").values_list("tags", flat=True)[:_TAGGED]
        tags = sorted({tag for tags in newest for tag in tags})
        templates = visible_templates(user).order_by("name").values_list("name", flat=True)
        fixed = ["all", *Status, *Provider]
        own = [*templates[:_TEMPLATES], *tags]
        return list(dict.fromkeys([*map(str, fixed), *known_models(), *own]))


class AnalysisArguments(serializers.Serializer[Any]):
    """Which tasks, how deeply, for what."""

    task_group = GroupField(
        max_length=50,
        default="all",
        help_text="all (the default), a state (FAILED), a provider (openai), a model, a template "
        "or a tag.",
    )
    analysis_depth = WordField(
        ["deep", "shallow", "overview"],
        default="shallow",
        help_text="overview: figures alone; shallow (the default): and 10 tasks; deep: and 50.",
    )
    focus_area = WordField(
        list(_FOCUS), default="performance", help_text="performance (the default), errors or usage."
    )


def fill_analysis(user: AbstractBaseUser, asked: Mapping[str, Any]) -> str:
    tasks = _group(user, asked["task_group"])
    focus = asked["focus_area"]
    shown = tasks.filter(status=Status.FAILED) if focus == "errors" else tasks
    return compose(
        f"Analyse this group of tasks with regard to {_FOCUS[focus]}. Tell what the figures show, "
        "what the likely causes are, and which one change would help most.",
        {
            "group": asked["task_group"],
            "by_status": counts_of(tasks, "status"),
            "by_provider_and_model": counts_of(tasks, "provider", "model"),
            "errors": counts_of(tasks.exclude(error_code=""), "provider", "error_code"),
            "totals": _totals(tasks),
            "newest": samples_of(shown, _SAMPLES[asked["analysis_depth"]]),
        },
    )


def _group(user: AbstractBaseUser, name: str) -> TaskQuerySet:
    tasks = visible_tasks(user)
    if name == "all":
        return tasks
    if name.upper() in Status.__members__:
        return tasks.filter(status=name.upper())
    if name.lower() in [provider.value for provider in Provider]:
        return tasks.filter(provider=name.lower())
    if name in known_models():
        return tasks.filter(model=name)
    if visible_templates(user).filter(name=name).exists():
        return select_tasks(user, {"template": name})
    return tasks.filter(has_tag(name))


def _totals(tasks: TaskQuerySet) -> dict[str, Any]:
    totals = tasks.order_by().aggregate(
        tasks=Count("pk"),
        prompt_tokens=Sum("prompt_tokens"),
        completion_tokens=Sum("completion_tokens"),
        cost_usd=Sum("cost_usd"),
        mean_attempts=Avg("attempts"),
        most_attempts=Max("attempts"),
    )
    return totals | {"cost_usd": usd(totals["cost_usd"])}


TASK_ANALYSIS = Prompt(
    name="task_analysis",
    title="Analyse a group of tasks",
    description="Speed, failures or usage of your tasks, or of a group of them.",
    arguments=AnalysisArguments,
    fill=fill_analysis,
)
