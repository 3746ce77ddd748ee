"""What an attempt sent, rebuilt from its task: the raw request, without the key."""

from __future__ import annotations

import json

from tasks.conf import get_conf
from tasks.models import Attempt, Task
from tasks.providers.base import CompletionRequest
from tasks.providers.shown import show_request
from tasks.vocabulary import Provider


def request_text(task: Task, attempt: Attempt) -> str:
    """As HTTP would read it; empty for the mock, which is sent nothing. The address is the one
    that is configured now."""
    provider = Provider(attempt.provider)
    own = get_conf().providers.get(provider)
    request = CompletionRequest(
        prompt=task.prompt, model=attempt.model, system=task.system, max_tokens=task.max_tokens,
        temperature=task.temperature,
    )  # fmt: skip
    shown = show_request(provider, own.base_url if own else "", request)
    if shown is None:
        return ""
    headers = "".join(f"{name}: {value}\n" for name, value in shown.headers.items())
    body = json.dumps(shown.body, ensure_ascii=False, indent=2)
    return f"POST {shown.url}\n{headers}Content-Type: application/json\n\n{body}"
