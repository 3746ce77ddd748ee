"""What a tool is: its schemas, its hints, and one function that carries it out."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from mcp_bridge.caller import Caller
from mcp_bridge.database import on_database
from mcp_bridge.icons import icon
from mcp_bridge.schemas import Arguments, Schema, input_schema

Report = Callable[[float, float, str], Awaitable[None]]
"""Tells the client how far a long call is: progress, total, a sentence."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call. `given`: as it came, nulls left out. `clean`: the same, judged and completed."""

    caller: Caller
    given: Mapping[str, Any]
    clean: Mapping[str, Any]
    report: Report


@dataclass(frozen=True, kw_only=True)
class Tool:
    """`limits` adds to the input schema what only the settings know, when it is listed."""

    name: str
    title: str
    description: str
    arguments: Arguments
    output_schema: Schema
    run: Callable[[Call], Awaitable[BaseModel]]
    is_read_only: bool = True
    is_destructive: bool = False
    is_idempotent: bool = True
    is_open_world: bool = False
    icon: str = "page"
    limits: Callable[[], Mapping[str, Schema]] = field(default=dict)

    def listed(self) -> ListedTool:
        """As `tools/list` shows it."""
        return ListedTool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=input_schema(self.arguments, self.limits()),
            output_schema=self.output_schema,
            icons=icon(self.icon),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.is_read_only,
                destructive_hint=self.is_destructive,
                idempotent_hint=self.is_idempotent,
                open_world_hint=self.is_open_world,
            ),
        )


def in_database(
    function: Callable[[AbstractBaseUser, Call], BaseModel],
) -> Callable[[Call], Awaitable[BaseModel]]:
    """`function` as a tool's `run`: on a worker thread, for the caller's user."""

    @functools.wraps(function)
    async def run(call: Call) -> BaseModel:
        return await on_database(call.caller, lambda user: function(user, call))

    return run


def schema_of(*results: type[BaseModel]) -> Schema:
    """The output schema: of one model, or an object that is one of several."""
    schemas = [
        result.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
        for result in results
    ]
    definitions: Schema = {}
    for schema in schemas:
        definitions |= schema.pop("$defs", {})
    for definition in definitions.values():
        if "enum" in definition:
            del definition["description"]  # it speaks to readers of the code
    one_of = schemas[0] if len(schemas) == 1 else {"type": "object", "anyOf": schemas}
    plain: Schema = _without_titles(one_of | {"$defs": definitions})
    return plain


def _without_titles(node: Any) -> Any:
    """Titles only repeat the names, and a model pays for every word that it reads."""
    if isinstance(node, list):
        return [_without_titles(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_titles(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }
