"""Answers made of many texts, cut to what a client takes: the longest texts give way first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from mcp_bridge.portions import shorten, weigh

MOST_TOKENS = 24_000
_CHARS_SURELY_FIT = MOST_TOKENS // 4  # no character makes more than four tokens
_LEAST_TOKENS = 20.0  # a text that weighs less is a name or a date, and is left alone
_FRAME_TOKENS = 0.4  # for a character of keys, figures, names and punctuation, measured


def is_surely_fitting(text: str) -> bool:
    """Whether this JSON needs no closer look."""
    return len(text) <= _CHARS_SURELY_FIT


def fit(value: Any, indent: int | None = None) -> Any:
    """`value` with texts so short that it makes JSON of `MOST_TOKENS` at most, as far as they can
    bring that about. A text that was cut ends with an ellipsis."""
    weights: list[float] = []
    frame = as_json_text(_map_texts(value, lambda found: _put_aside(found, weights)), indent)
    room = MOST_TOKENS - _FRAME_TOKENS * len(frame)
    if sum(weights) <= room:
        return value
    most = max(_level(sorted(weights), room), _LEAST_TOKENS)
    return _map_texts(value, lambda found: shorten(found, most))


def as_fitting_json(value: Any, indent: int | None = None) -> str:
    """`value` as JSON that a client takes."""
    text = as_json_text(value, indent)
    return text if is_surely_fitting(text) else as_json_text(fit(value, indent), indent)


def as_json_text(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent)


def _put_aside(text: str, weights: list[float]) -> str:
    weight = weigh(text)
    if weight < _LEAST_TOKENS:
        return text
    weights.append(weight)
    return ""


def _level(weights: list[float], room: float) -> float:
    """What each may weigh at most, so that all of them fill the room. weights: ascending."""
    for place, weight in enumerate(weights):
        share = room / (len(weights) - place)
        if weight > share:
            return share
        room -= weight
    return weights[-1]


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _map_texts(inner, change) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_map_texts(inner, change) for inner in value]
    return value
