"""DeepSeek. https://api-docs.deepseek.com"""

from __future__ import annotations

from typing import Any

from tasks.errors import ServerFailed
from tasks.providers.base import CompletionRequest
from tasks.providers.chat_completions import ChatCompletionsClient
from tasks.providers.remote import Answer
from tasks.vocabulary import Provider


class DeepSeekClient(ChatCompletionsClient):
    provider = Provider.DEEPSEEK
    default_base_url = "https://api.deepseek.com"

    def payload(self, request: CompletionRequest) -> dict[str, Any]:
        # Thinking is on unless told otherwise; its tokens are billed and nobody sees them.
        return {**super().payload(request), "thinking": {"type": "disabled"}}

    def read(self, data: Any) -> Answer:
        if data["choices"][0].get("finish_reason") == "insufficient_system_resource":
            raise ServerFailed("DeepSeek broke the answer off: no resources left.", http_status=200)
        return super().read(data)
