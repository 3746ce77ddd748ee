"""The prompts: texts for the user to send, filled with real figures."""

from __future__ import annotations

from collections.abc import Mapping

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
from tasks.errors import DomainError
from tasks.services.submission import clean

__all__ = ["PROMPTS", "get_prompt", "list_prompts"]

PROMPTS: Mapping[str, Prompt] = {
    prompt.name: prompt
    for prompt in (TASK_SUMMARY, SYSTEM_HEALTH, TASK_ANALYSIS, PERFORMANCE_REVIEW)
}


def list_prompts() -> list[ListedPrompt]:
    return [prompt.listed() for prompt in PROMPTS.values()]


async def get_prompt(
    caller: Caller, name: str, arguments: Mapping[str, str] | None
) -> GetPromptResult:
    """The prompt, filled for this caller. Empty arguments count as not given: forms send them.

    Raises:
        MCPError: there is no such prompt, or an argument breaks a rule.
    """
    prompt = PROMPTS.get(name)
    if prompt is None:
        raise unknown("prompt", name)
    given = {key: value for key, value in (arguments or {}).items() if value != ""}
    try:
        asked = clean(prompt.arguments, given)
        text = await on_database(caller, lambda user: prompt.fill(user, asked))
    except DomainError as refusal:
        raise protocol_error(refusal) from refusal
    return GetPromptResult(
        description=prompt.description,
        messages=[PromptMessage(role="user", content=TextContent(type="text", text=text))],
    )
