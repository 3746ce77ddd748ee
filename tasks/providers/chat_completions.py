"""The chat completions protocol, which OpenAI made and most servers speak."""

from __future__ import annotations

from typing import Any

from tasks.providers.base import CompletionRequest, Usage
from tasks.providers.event_stream import Assembly
from tasks.providers.partial import Partial
from tasks.providers.remote import Answer, RemoteClient, text_of, tokens
from tasks.vocabulary import FinishReason

_FINISH_REASONS = {
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class ChatAssembly(Assembly):
    """Of `chat.completion.chunk` events, until `[DONE]`; the usage comes in one of the last."""

    end_mark = b"[DONE]"

    def __init__(self, partial: Partial) -> None:
        super().__init__(partial)
        self._refusal = ""
        self._finish_reason: Any = None
        self._found: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> None:
        for name in ("id", "model", "usage"):
            if event.get(name):
                self._found[name] = event[name]
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            self.partial.add(text_of(delta.get("content")))
            self._refusal += text_of(delta.get("refusal"))
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def answer(self) -> dict[str, Any]:
        message = {"content": self.partial.text, "refusal": self._refusal}
        choice = {"message": message, "finish_reason": self._finish_reason}
        return {**self._found, "choices": [choice]}


class ChatCompletionsClient(RemoteClient):
    """Base of every provider with `/chat/completions`."""

    path = "/chat/completions"
    max_tokens_field = "max_tokens"
    stream_fields = {"stream": True, "stream_options": {"include_usage": True}}
    assembly = ChatAssembly

    def payload(self, request: CompletionRequest) -> dict[str, Any]:
        system = [{"role": "system", "content": request.system}] if request.system else []
        payload: dict[str, Any] = {
            "model": request.model,
            "messages": [*system, {"role": "user", "content": request.prompt}],
        }
        if request.max_tokens is not None:
            payload[self.max_tokens_field] = request.max_tokens
        if request.temperature is not None:
            payload["temperature"] = request.temperature
        return payload

    def read(self, data: Any) -> Answer:
        choice = data["choices"][0]
        message = choice["message"]
        text = text_of(message.get("content"))
        # Local servers invent words of their own for a normal end, or say nothing.
        finish_reason = _FINISH_REASONS.get(text_of(choice.get("finish_reason")), FinishReason.STOP)
        if refusal := text_of(message.get("refusal")):
            text, finish_reason = refusal, FinishReason.CONTENT_FILTER
        return Answer(
            text=text,
            finish_reason=finish_reason,
            model=text_of(data.get("model")),
            usage=_usage(data.get("usage")),
        )


def _usage(counts: Any) -> Usage | None:
    """None if the server does not count. Cached tokens are part of the prompt's in both spellings:
    OpenAI's `prompt_tokens_details` and DeepSeek's `prompt_cache_hit_tokens`."""
    if not isinstance(counts, dict):
        return None
    details = counts.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    usage = Usage(
        prompt_tokens=tokens(counts.get("prompt_tokens")),
        completion_tokens=tokens(counts.get("completion_tokens")),
        cached_tokens=tokens(counts.get("prompt_cache_hit_tokens", cached)),
    )
    return None if usage.prompt_tokens is usage.completion_tokens is None else usage
