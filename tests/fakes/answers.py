"""Proper answers in the shapes of OpenAI, DeepSeek and Anthropic, and errors in the same."""

from __future__ import annotations

from typing import Any

from tests.fakes.behaviour import Behaviour

PATHS = {
    "/openai/v1/chat/completions": "openai",
    "/deepseek/chat/completions": "deepseek",
    "/local/v1/chat/completions": "local",
    "/anthropic/v1/messages": "anthropic",
}
BASE_PATHS = {
    "openai": "/openai/v1",
    "deepseek": "/deepseek",
    "local": "/local/v1",
    "anthropic": "/anthropic",
}
_IN_ANTHROPICS_WORDS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def answer(vendor: str, behaviour: Behaviour, prompt: str, model: str, request_id: str) -> Any:
    """The JSON that `vendor` would send for this behaviour."""
    text = f"Answer to: {prompt}" if behaviour.text is None else behaviour.text
    model = behaviour.model or model
    if behaviour.status >= 400:
        return error(vendor, behaviour.status, request_id)
    if vendor == "anthropic":
        return _anthropic(behaviour, text, model, request_id)
    return _chat(vendor, behaviour, text, model, request_id)


def error(vendor: str, status: int, request_id: str) -> Any:
    """A plain error of this status."""
    detail = {"message": f"scripted {status}", "type": "scripted_error"}
    if vendor == "anthropic":
        return {"type": "error", "error": detail, "request_id": request_id}
    return {"error": {**detail, "param": None, "code": None}}


def _chat(vendor: str, behaviour: Behaviour, text: str, model: str, request_id: str) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    usage: dict[str, Any] = {
        "prompt_tokens": behaviour.prompt_tokens,
        "completion_tokens": behaviour.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": behaviour.cached_tokens},
    }
    if vendor == "deepseek":
        message["reasoning_content"] = None
        usage["prompt_cache_hit_tokens"] = behaviour.cached_tokens
        usage["prompt_cache_miss_tokens"] = behaviour.prompt_tokens - behaviour.cached_tokens
    else:
        message["refusal"] = None
    choice = {"index": 0, "message": message, "finish_reason": behaviour.finish_reason or "stop"}
    body = {"id": request_id, "object": "chat.completion", "created": 1_790_000_000}
    body |= {"model": model, "choices": [choice]}
    return body | ({"usage": usage} if behaviour.has_usage else {})


def _anthropic(behaviour: Behaviour, text: str, model: str, request_id: str) -> Any:
    reason = behaviour.finish_reason or "stop"
    body: dict[str, Any] = {
        "id": f"msg_{request_id}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": _IN_ANTHROPICS_WORDS.get(reason, reason),
        "stop_sequence": None,
    }
    if behaviour.has_usage:
        body["usage"] = {
            "input_tokens": behaviour.prompt_tokens - behaviour.cached_tokens,
            "cache_read_input_tokens": behaviour.cached_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens": behaviour.completion_tokens,
        }
    return body
