"""The resources: JSON about the tasks and the system, made from the code and the database.

Each time they are read, so that none can go stale. What is not the caller's does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from mcp.shared.uri_template import UriTemplate
from mcp_types import Annotations, ReadResourceResult, TextResourceContents
from mcp_types import Resource as ListedResource
from mcp_types import ResourceTemplate as ListedTemplate

from mcp_bridge.caller import Caller
from mcp_bridge.catalogue import models_available
from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error, resource_not_found
from mcp_bridge.fitting import as_fitting_json
from mcp_bridge.icons import icon
from mcp_bridge.results import TaskResult, TaskStatus
from mcp_bridge.schemas import input_schema
from mcp_bridge.tools.base import schema_of
from mcp_bridge.tools.create import CREATE_TASK
from mcp_bridge.untrusted import marked
from tasks.api.batches import render_batch
from tasks.api.representation import render_task
from tasks.errors import DomainError, NotFound
from tasks.services import get_task
from tasks.services.access import get_batch
from tasks.stats import StatsRange, get_snapshot
from tasks.stats.as_json import as_json
from tasks.vocabulary import TRANSITIONS, Status

JSON_TYPE = "application/json"
TASK_URI = "data://tasks/{task_id}"
_LONG_MS = 3_600_000  # what changes with the settings alone
_STATS_MS = 5_000


@dataclass(frozen=True, kw_only=True)
class Resource:
    """`read` makes what is returned as JSON, for a user, from the variables of the address.

    fresh_ms: how long a client may keep it. is_public: it is the same for every caller.
    untrusted: JSON pointers to what users and AI models wrote.
    """

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[AbstractBaseUser, Mapping[str, str]], Any]
    icon: str = "page"
    fresh_ms: int = 0
    is_public: bool = False
    priority: float = 0.5
    untrusted: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        return "{" in self.uri


def _schema(user: AbstractBaseUser, variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        "submit": input_schema(CREATE_TASK.arguments, CREATE_TASK.limits()),
        "status": schema_of(TaskStatus),
        "result": schema_of(TaskResult),
    }


def _statuses(user: AbstractBaseUser, variables: Mapping[str, str]) -> list[dict[str, Any]]:
    meanings = {
        Status.PENDING: "Waits for a worker, or for the moment that waiting_reason tells.",
        Status.PROCESSING: "A provider is being asked.",
        Status.COMPLETED: "There is a result.",
        Status.FAILED: "There is none, and nobody tries any more. It can be retried.",
        Status.CANCELLED: "Somebody called it off. It can be retried.",
    }
    return [
        {
            "status": status,
            "meaning": meanings[status],
            "is_terminal": status.is_terminal,
            "may_become": sorted(TRANSITIONS[status]),
        }
        for status in Status
    ]


def _models(user: AbstractBaseUser, variables: Mapping[str, str]) -> dict[str, Any]:
    return models_available()


def _stats(user: AbstractBaseUser, variables: Mapping[str, str]) -> dict[str, Any]:
    return as_json(get_snapshot(user, StatsRange.DAY))


def _task(user: AbstractBaseUser, variables: Mapping[str, str]) -> Mapping[str, Any]:
    return render_task(get_task(user, variables["task_id"]))


def _batch(user: AbstractBaseUser, variables: Mapping[str, str]) -> dict[str, Any]:
    return render_batch(get_batch(user, variables["batch_id"]))


RESOURCES = (
    Resource(
        uri="data://tasks/schema",
        name="task-schema",
        title="Schema of a task",
        description="JSON Schemas of what a submit takes and of what the tools return.",
        read=_schema,
        fresh_ms=_LONG_MS,
        is_public=True,
    ),
    Resource(
        uri="data://tasks/statuses",
        name="task-statuses",
        title="States of a task",
        description="Every state, what it means and what it may become.",
        read=_statuses,
        fresh_ms=_LONG_MS,
        is_public=True,
    ),
    Resource(
        uri="data://models/available",
        name="models",
        title="Models",
        description="Providers, their models, list prices and retired names, as configured here.",
        read=_models,
        fresh_ms=_LONG_MS,
        is_public=True,
        priority=0.8,
    ),
    Resource(
        uri="data://system/stats",
        name="system-stats",
        title="Figures of the last 24 hours",
        description="Counts, waiting times, run times, costs and errors of the tasks you may see.",
        read=_stats,
        icon="chart",
        fresh_ms=_STATS_MS,
        untrusted=("/recent_failures",),
    ),
    Resource(
        uri=TASK_URI,
        name="task",
        title="A task",
        description="Everything about one task, the log of its attempts included. Long texts are "
        "cut, with an ellipsis: get_task_result has the whole answer, page by page.",
        read=_task,
        icon="queue",
        untrusted=(
            "/prompt",
            "/result",
            "/partial",
            "/error/message",
            "/tags",
            "/metadata",
            "/custom_id",
            "/attempt_log/-/message",
        ),
    ),
    Resource(
        uri="data://batches/{batch_id}",
        name="batch",
        title="A batch",
        description="Where a batch stands: its tasks by state, and what was spent.",
        read=_batch,
        icon="queue",
        untrusted=("/name",),
    ),
)


def list_resources() -> list[ListedResource]:
    return [
        ListedResource(uri=r.uri, name=r.name, **_shown(r)) for r in RESOURCES if not r.is_template
    ]


def list_templates() -> list[ListedTemplate]:
    return [
        ListedTemplate(uri_template=r.uri, name=r.name, **_shown(r))
        for r in RESOURCES
        if r.is_template
    ]


def _shown(resource: Resource) -> dict[str, Any]:
    return {
        "title": resource.title,
        "description": resource.description,
        "mime_type": JSON_TYPE,
        "annotations": Annotations(audience=["user", "assistant"], priority=resource.priority),
        "icons": icon(resource.icon),
    }


async def read_resource(caller: Caller, uri: str, protocol_version: str) -> ReadResourceResult:
    """The resource at this address, as JSON.

    Raises:
        MCPError: there is none, or it is somebody else's.
    """
    resource, variables = _find(uri)
    if resource is None:
        raise resource_not_found(uri, protocol_version)

    def read(user: AbstractBaseUser) -> str:
        return as_fitting_json(marked(resource.read(user, variables), resource.untrusted))

    try:
        text = await on_database(caller, read)
    except NotFound as refusal:
        raise resource_not_found(uri, protocol_version) from refusal
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal
    return ReadResourceResult(
        contents=[TextResourceContents(uri=uri, mime_type=JSON_TYPE, text=text)],
        ttl_ms=resource.fresh_ms,
        cache_scope="public" if resource.is_public else "private",
    )


def is_fixed(uri: str) -> bool:
    """Whether it is the address of a resource that is there for everybody."""
    return any(resource.uri == uri and not resource.is_template for resource in RESOURCES)


def _find(uri: str) -> tuple[Resource | None, Mapping[str, str]]:
    for resource in RESOURCES:
        found = UriTemplate.parse(resource.uri).match(uri)
        if found is not None:
            return resource, {name: str(value) for name, value in found.items()}
    return None, {}
