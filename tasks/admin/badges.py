"""Small marks for states and sources: a word in a shape, so colour is never alone."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tasks.models import Task
from tasks.vocabulary import ResultSource, Status

_SOURCE_WORDS = {
    ResultSource.MOCK: ("MOCK", "Not a real answer: the mock provider wrote it."),
    ResultSource.FALLBACK: ("fallback", "Another provider than the one asked has answered."),
    ResultSource.CACHE: ("cache", "An earlier answer to the same request; no new call was made."),
}


def status_pill(status: str) -> SafeString:
    return format_html('<span class="pill pill-{}">{}</span>', Status(status).lower(), status)


def source_badge(source: str) -> SafeString:
    """Empty for the ordinary case, the asked provider's own answer."""
    if not source or source == ResultSource.PROVIDER:
        return SafeString("")
    word, meaning = _SOURCE_WORDS[ResultSource(source)]
    return format_html(
        '<span class="badge badge-{}" title="{}">{}</span>', source.lower(), meaning, word
    )


def provider_badge(task: Task) -> SafeString:
    """The provider asked, and the one that served if it is another."""
    asked = format_html('<span class="badge badge-provider">{}</span>', task.provider)
    if not task.served_provider or task.served_provider == task.provider:
        return asked
    return format_html(
        '{} → <span class="badge badge-provider">{}</span>', asked, task.served_provider
    )
