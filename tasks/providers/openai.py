"""OpenAI. https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

from tasks.providers.chat_completions import ChatCompletionsClient
from tasks.vocabulary import Provider


class OpenAIClient(ChatCompletionsClient):
    provider = Provider.OPENAI
    default_base_url = "https://api.openai.com/v1"
    max_tokens_field = "max_completion_tokens"
