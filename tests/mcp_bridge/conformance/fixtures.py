"""The tools, resources and prompts that the official suites call on a reference server.

They answer beside the product's own, so that the suites can also try the wire that carries them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
from django.utils import timezone
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmbeddedResource,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    ListPromptsResult,
    ListToolsResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
    Tool,
)

from mcp_bridge.database import on_database
from mcp_bridge.identity import Context
from mcp_bridge.server import Handlers, Page
from tasks.services import submit

_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5Erk"
    "Jggg=="
)
_WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=="
_TEXT = TextContent(type="text", text="This is a simple text response for testing.")
_IMAGE = ImageContent(type="image", data=_PNG, mime_type="image/png")
_AUDIO = AudioContent(type="audio", data=_WAV, mime_type="audio/wav")


def _embedded(uri: str, text: str = "This is an embedded resource content.") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    return EmbeddedResource(type="resource", resource=contents)


_ANSWERS: dict[str, list[Any]] = {
    "test_simple_text": [_TEXT],
    "test_image_content": [_IMAGE],
    "test_audio_content": [_AUDIO],
    "test_embedded_resource": [_embedded("test://embedded-resource")],
    "test_multiple_content_types": [_TEXT, _IMAGE, _embedded("test://mixed-content-resource")],
    "test_error_handling": [_TEXT],
    "test_tool_with_progress": [_TEXT],
    "test_logging_tool": [_TEXT],
    "test_streaming_elicitation": [_TEXT],
    "test_missing_capability": [],
    "test_header_tool": [_TEXT],
    "json_schema_2020_12_tool": [_TEXT],
    "greet": [],
    "slow_compute": [],
}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "test_header_tool": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
    "json_schema_2020_12_tool": {  # keywords that a server must pass on
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}


class WithFixtures(Handlers):
    """The product's handlers; what they do not know is looked for among the fixtures."""

    async def list_tools(self, ctx: Context, params: Page) -> ListToolsResult:
        own = await super().list_tools(ctx, params)
        more = [
            Tool(
                name=name,
                description="A fixture.",
                input_schema=_SCHEMAS.get(name, {"type": "object"}),
            )
            for name in _ANSWERS
        ]
        return own.model_copy(update={"tools": [*own.tools, *more]})

    async def call_tool(self, ctx: Context, params: CallToolRequestParams) -> Any:
        if params.name == "slow_compute":
            task_id = await on_database(self._identify(ctx), lambda user: _slow_task(user, params))
            wait = {"name": "wait_for_task", "arguments": {"task_id": task_id}}
            return await super().call_tool(ctx, CallToolRequestParams.model_validate(wait))
        if params.name not in _ANSWERS:
            return await super().call_tool(ctx, params)
        if params.name == "test_missing_capability":
            data = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Sampling is needed", data)
        if params.name == "greet":
            text = f"Hello, {(params.arguments or {}).get('name')}!"
            return CallToolResult(content=[TextContent(type="text", text=text)])
        if params.name == "test_tool_with_progress":
            for done in (0, 50, 100):
                await ctx.session.report_progress(done, 100)
                await anyio.lowlevel.checkpoint()
        is_error = params.name == "test_error_handling"
        return CallToolResult(content=_ANSWERS[params.name], is_error=is_error)

    async def read_resource(
        self, ctx: Context, params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        uri = str(params.uri)
        if uri == "test://static-binary":
            blob = BlobResourceContents(uri=uri, mime_type="image/png", blob=_PNG)
            return ReadResourceResult(contents=[blob])
        if uri == "test://static-text" or uri.startswith("test://template/"):
            return ReadResourceResult(
                contents=[TextResourceContents(uri=uri, mime_type="text/plain", text=uri)]
            )
        return await super().read_resource(ctx, params)

    async def list_prompts(self, ctx: Context, params: Page) -> ListPromptsResult:
        own = await super().list_prompts(ctx, params)
        return own.model_copy(update={"prompts": [*own.prompts, *_prompts()]})

    async def complete(self, ctx: Context, params: CompleteRequestParams) -> CompleteResult:
        if params.ref.type == "ref/prompt" and params.ref.name == "test_prompt_with_arguments":
            return CompleteResult(completion=Completion(values=["testing"]))
        return await super().complete(ctx, params)

    async def get_prompt(self, ctx: Context, params: GetPromptRequestParams) -> GetPromptResult:
        listed = {prompt.name: prompt for prompt in _prompts()}.get(params.name)
        if listed is None:
            return await super().get_prompt(ctx, params)
        given = params.arguments or {}
        if any(argument.name not in given for argument in listed.arguments or ()):
            raise MCPError(INVALID_PARAMS, "An argument is missing")
        contents: list[Any] = [TextContent(type="text", text=f"Prompt with {given}")]
        if params.name == "test_prompt_with_embedded_resource":
            contents.append(_embedded(given["resourceUri"]))
        if params.name == "test_prompt_with_image":
            contents.append(_IMAGE)
        return GetPromptResult(messages=[PromptMessage(role="user", content=c) for c in contents])


def _slow_task(user: Any, params: CallToolRequestParams) -> int:
    """A real task, for whose turn the seconds are waited."""
    given = params.arguments or {}
    due = timezone.now() + timedelta(seconds=given["seconds"])
    fields = {"prompt": given["label"], "run_after": due.isoformat()}
    return submit(user, fields, idempotency_key=None).task.pk


def input_schema_of(name: str) -> dict[str, Any] | None:
    return _SCHEMAS.get(name)


def _prompts() -> list[Prompt]:
    arguments = {
        "test_simple_prompt": [],
        "test_prompt_with_arguments": ["arg1", "arg2"],
        "test_prompt_with_embedded_resource": ["resourceUri"],
        "test_prompt_with_image": [],
    }
    return [
        Prompt(
            name=name,
            description="A fixture.",
            arguments=[PromptArgument(name=n, required=True) for n in names],
        )
        for name, names in arguments.items()
    ]
