"""Any server of one's own that speaks chat completions: vLLM, Ollama, llama.cpp, a gateway."""

from __future__ import annotations

from tasks.providers.chat_completions import ChatCompletionsClient
from tasks.vocabulary import Provider


class LocalClient(ChatCompletionsClient):
    provider = Provider.LOCAL
    needs_key = False
