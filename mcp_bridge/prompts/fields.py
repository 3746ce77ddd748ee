"""Arguments of prompts. They all travel as strings, so a switch is "true" or "false"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from rest_framework import serializers

from mcp_bridge.schemas import WordField
from tasks.services.fields import StrictText

Span = tuple[datetime, datetime]
"""From the first moment up to, not including, the second."""

_SPANS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}  # hours
_MOST_IDS = 50


class SwitchField(WordField):
    """ "true" or "false"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(["true", "false"], **kwargs)


class IdListField(StrictText):
    """Task ids, separated by commas; whether there are such tasks is not asked here."""

    default_error_messages = {"ids": f"Must be 1 to {_MOST_IDS} task ids, separated by commas."}

    def to_internal_value(self, data: Any) -> Any:
        ids = [part.strip() for part in super().to_internal_value(data).split(",")]
        if len(ids) > _MOST_IDS or not all(_is_id(part) for part in ids):
            self.fail("ids")
        return [int(part) for part in ids]


class WordListField(StrictText):
    """Some of a few words, separated by commas."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = tuple(words)

    def to_internal_value(self, data: Any) -> Any:
        asked = [part.strip() for part in super().to_internal_value(data).split(",")]
        if not all(part in self.words for part in asked):
            raise serializers.ValidationError(
                f"Must be one or more of {', '.join(self.words)}, separated by commas."
            )
        return asked


class DateRangeField(StrictText):
    """`24h`, `2026-11-23` or `2026-11-01..2026-11-20`, days in UTC and the last one included."""

    spans = tuple(_SPANS)
    default_error_messages = {
        "range": f"Must be one of {', '.join(_SPANS)}, a day (2026-11-23) or two days "
        "(2026-11-01..2026-11-20), the earlier first."
    }

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if text in _SPANS:
            now = datetime.now(UTC)
            return now - timedelta(hours=_SPANS[text]), now + timedelta(minutes=1)
        first, _, last = text.partition("..")
        try:
            span = _midnight(first), _midnight(last or first) + timedelta(days=1)
        except (ValueError, OverflowError):
            self.fail("range")
        if span[0] >= span[1]:
            self.fail("range")
        return span


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
