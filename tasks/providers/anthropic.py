"""Anthropic's Messages API, revision 2026-10-21. https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from typing import Any

from tasks.providers.base import CompletionRequest, Usage
from tasks.providers.remote import Answer, RemoteClient, text_of, tokens
from tasks.vocabulary import FinishReason, Provider

DEFAULT_MAX_TOKENS = 4096
"""The API demands a limit; this is what a request without one gets."""

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "pause_turn": FinishReason.LENGTH,  # broken off in the middle: cut, as far as a reader cares
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}


class AnthropicClient(RemoteClient):
    """Never sends a temperature: this revision refuses it, so the catalogue says so at submit."""

    provider = Provider.ANTHROPIC
    default_base_url = "https://api.anthropic.com"
    path = "/v1/messages"
    auth_headers = {"x-api-key": "{key}", "anthropic-version": "2026-10-21"}

    def payload(self, request: CompletionRequest) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": [{"role": "user", "content": request.prompt}],
        }
        if request.system:
            payload["system"] = request.system
        return payload

    def read(self, data: Any) -> Answer:
        blocks = data["content"]
        texts = [text_of(block["text"]) for block in blocks if block["type"] == "text"]
        return Answer(
            text="".join(texts),
            finish_reason=_FINISH_REASONS.get(text_of(data["stop_reason"]), FinishReason.STOP),
            model=text_of(data.get("model")),
            usage=_usage(data.get("usage")),
        )


def _usage(counts: Any) -> Usage | None:
    """`input_tokens` leaves out what the cache gave or took; the whole prompt is the sum."""
    if not isinstance(counts, dict):
        return None
    cached = tokens(counts.get("cache_read_input_tokens"))
    written = tokens(counts.get("cache_creation_input_tokens"))
    fresh = tokens(counts.get("input_tokens"))
    usage = Usage(
        prompt_tokens=None if fresh is None else fresh + (cached or 0) + (written or 0),
        completion_tokens=tokens(counts.get("output_tokens")),
        cached_tokens=cached,
    )
    return None if usage.prompt_tokens is usage.completion_tokens is None else usage
