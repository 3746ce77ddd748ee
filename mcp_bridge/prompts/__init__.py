"""The prompts: texts for the user to send, filled with real figures or from one's templates."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import AbstractBaseUser
from mcp_types import GetPromptResult, PromptMessage, TextContent
from mcp_types import Prompt as ListedPrompt

from mcp_bridge.caller import Caller
from mcp_bridge.database import on_database
from mcp_bridge.errors import protocol_error, unknown
from mcp_bridge.prompts.analysis import TASK_ANALYSIS
from mcp_bridge.prompts.base import Prompt
from mcp_bridge.prompts.health import SYSTEM_HEALTH
from mcp_bridge.prompts.review import PERFORMANCE_REVIEW
from mcp_bridge.prompts.summary import TASK_SUMMARY
from mcp_bridge.prompts.templates import fill_published, find_published, list_published
from tasks.errors import DomainError
from tasks.services.submission import clean

__all__ = ["PROMPTS", "find_published", "get_prompt", "list_prompts"]

PROMPTS: Mapping[str, Prompt] = {
    prompt.name: prompt
    for prompt in (TASK_SUMMARY, SYSTEM_HEALTH, TASK_ANALYSIS, PERFORMANCE_REVIEW)
}


async def list_prompts(caller: Caller) -> list[ListedPrompt]:
    """Those of the server, then the caller's own; a template of a name that is taken is hidden.

    Raises:
        MCPError: the caller may not ask now, or the database is away.
    """
    try:
        own = await on_database(caller, list_published)
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal
    served = [prompt.listed() for prompt in PROMPTS.values()]
    return [*served, *(prompt for prompt in own if prompt.name not in PROMPTS)]


async def get_prompt(
    caller: Caller, name: str, arguments: Mapping[str, str] | None
) -> GetPromptResult:
    """The prompt, filled for this caller. Empty arguments count as not given: forms send them.

    Raises:
        MCPError: there is no such prompt, or an argument breaks a rule.
    """
    given = {key: value for key, value in (arguments or {}).items() if value != ""}
    try:
        description, text = await on_database(caller, lambda user: _fill(user, name, given))
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal
    return GetPromptResult(
        description=description,
        messages=[PromptMessage(role="user", content=TextContent(type="text", text=text))],
    )


def _fill(user: AbstractBaseUser, name: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Description and text."""
    if (prompt := PROMPTS.get(name)) is not None:
        return prompt.description, prompt.fill(user, clean(prompt.arguments, given))
    if (version := find_published(user, name)) is not None:
        return version.description, fill_published(version, given)
    raise unknown("prompt", name)
