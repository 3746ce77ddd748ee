"""Anthropic's Messages API, revision 2026-10-21. https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from typing import Any

from tasks.providers.base import CompletionRequest, Usage
from tasks.providers.event_stream import Assembly
from tasks.providers.partial import Partial
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


class MessageAssembly(Assembly):
    """Of `message_start`, the deltas of its text blocks, `message_delta`, until `message_stop`.

    Counts in `message_delta` are totals. Kinds that are not known (`ping`, and new ones, which the
    vendor reserves the right to add) are passed over.
    """

    def __init__(self, partial: Partial) -> None:
        super().__init__(partial)
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "message_start":
                self._message.update(event["message"])
                self._count(event["message"].get("usage"))
                self._usage.pop("output_tokens", None)  # of a few tokens that were there by then
            case "content_block_start" if event["content_block"]["type"] == "text":
                self.partial.add(text_of(event["content_block"].get("text")))
            case "content_block_delta" if event["delta"]["type"] == "text_delta":
                self.partial.add(text_of(event["delta"]["text"]))
            case "message_delta":
                self._message.update(event["delta"])
                self._count(event.get("usage"))
            case "message_stop":
                self.is_over = True

    def answer(self) -> dict[str, Any]:
        text = {"type": "text", "text": self.partial.text}
        return {**self._message, "content": [text], "usage": self._usage or None}

    def _count(self, usage: Any) -> None:
        self._usage.update({name: n for name, n in (usage or {}).items() if n is not None})


class AnthropicClient(RemoteClient):
    """Never sends a temperature: this revision refuses it, so the catalogue says so at submit."""

    provider = Provider.ANTHROPIC
    default_base_url = "https://api.anthropic.com"
    path = "/v1/messages"
    auth_headers = {"x-api-key": "{key}", "anthropic-version": "2026-10-21"}
    assembly = MessageAssembly

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
