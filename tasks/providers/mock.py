"""Answers without a provider, and says so. For a first look without keys, and for benchmarks."""

from __future__ import annotations

import time

from tasks.providers.base import Completion, CompletionRequest, ProviderClient, Usage
from tasks.vocabulary import FinishReason, Provider

_ECHO_CHARS = 120
_CHARS_PER_TOKEN = 4  # English text, roughly


class MockClient(ProviderClient):
    """Always the same answer to the same prompt. `latency_s`: how long it pretends to think."""

    def __init__(self, *, latency_s: float = 0.0) -> None:
        self._latency_s = latency_s

    @property
    def name(self) -> Provider:
        return Provider.MOCK

    def complete(self, request: CompletionRequest, *, timeout_s: float) -> Completion:
        if self._latency_s:
            time.sleep(min(self._latency_s, timeout_s))
        text = (
            "This is a mock answer: no AI provider wrote it. "
            f"Your prompt began: “{_beginning(request.prompt)}”"
        )
        return Completion(
            text=text,
            model=request.model,
            finish_reason=FinishReason.STOP,
            usage=Usage(
                prompt_tokens=_estimated_tokens(request.system + request.prompt),
                completion_tokens=_estimated_tokens(text),
                cached_tokens=0,
            ),
            request_id="",
        )


def _beginning(prompt: str) -> str:
    words = " ".join(prompt.split())
    return words if len(words) <= _ECHO_CHARS else words[: _ECHO_CHARS - 1] + "…"


def _estimated_tokens(text: str) -> int:
    return max(1, len(text) // _CHARS_PER_TOKEN)
