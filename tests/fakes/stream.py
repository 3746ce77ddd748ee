"""The same answers as server-sent events, as OpenAI, DeepSeek and Anthropic stream them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from tests.fakes.answers import answer
from tests.fakes.behaviour import Behaviour, Fault

_OVERLOADED = {"message": "scripted overload", "type": "overloaded_error"}


def events(
    vendor: str, behaviour: Behaviour, prompt: str, model: str, request_id: str
) -> Iterator[bytes]:
    """Each event on the wire. Faults of the stream are in it, all but the breaking of the line."""
    whole = answer(vendor, behaviour, prompt, model, request_id)
    told = _anthropic(whole) if vendor == "anthropic" else _chat(vendor, whole)
    head, text, tail = told
    yield from (b": keep-alive\n\n" for _ in range(behaviour.blank_lines))
    yield from head
    if behaviour.fault in (Fault.DRIP_EVENTS, Fault.HUGE_STREAM):
        size = behaviour.size if behaviour.fault is Fault.HUGE_STREAM else 0
        yield from _endless(vendor, whole, size)
    pieces = _pieces(text, behaviour.pieces)
    if behaviour.fault in (Fault.ERROR_EVENT, Fault.TRUNCATE):
        pieces = pieces[: len(pieces) // 2]
    yield from (_piece(vendor, whole, piece) for piece in pieces)
    if behaviour.fault is Fault.ERROR_EVENT:
        error = behaviour.body or {"type": "error", "error": _OVERLOADED}
        yield _event(error, "error" if vendor == "anthropic" else "")
    elif behaviour.fault not in (Fault.TRUNCATE, Fault.CUT_STREAM):
        yield from tail


def _chat(vendor: str, whole: Any) -> tuple[list[bytes], str, list[bytes]]:
    (choice,) = whole["choices"]
    start = {"role": "assistant", "content": "", "refusal": None}
    usage = whole.get("usage")
    end = _chunk(whole, {}, choice["finish_reason"])
    tail = [end]
    if vendor == "deepseek":  # with the last piece, where OpenAI sends one more chunk for it
        end["usage"] = usage
    elif usage:
        tail.append({**_chunk(whole, {}), "choices": [], "usage": usage})
    text = choice["message"]["content"]
    return [_event(_chunk(whole, start))], text, [*map(_event, tail), b"data: [DONE]\n\n"]


def _chunk(whole: Any, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    head = {name: whole[name] for name in ("id", "created", "model")}
    return {**head, "object": "chat.completion.chunk", "choices": [choice], "usage": None}


def _anthropic(whole: Any) -> tuple[list[bytes], str, list[bytes]]:
    usage = whole.get("usage", {})
    start = {**whole, "content": [], "stop_reason": None}
    if usage:
        start["usage"] = {**usage, "output_tokens": 1}
    text = "".join(block["text"] for block in whole["content"])
    block = {"type": "text", "text": ""}
    end: dict[str, Any] = {"type": "message_delta"}
    end["delta"] = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    if usage:
        end["usage"] = {"output_tokens": usage["output_tokens"]}
    head = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
    ]
    tail = [{"type": "content_block_stop", "index": 0}, end, {"type": "message_stop"}]
    return [_named(one) for one in head], text, [_named(one) for one in tail]


def _piece(vendor: str, whole: Any, text: str) -> bytes:
    if vendor != "anthropic":
        return _event(_chunk(whole, {"content": text}))
    delta = {"type": "text_delta", "text": text}
    return _named({"type": "content_block_delta", "index": 0, "delta": delta})


def _pieces(text: str, number: int) -> list[str]:
    """The text cut into about `number` pieces; each is something."""
    step = max(1, -(-len(text) // max(1, number)))
    return [text[at : at + step] for at in range(0, len(text), step)]


def _endless(vendor: str, whole: Any, size: int) -> Iterator[bytes]:
    """Pieces of `size` letters, or numbered words, until the client leaves."""
    for number in count():
        yield _piece(vendor, whole, "x" * size if size else f"{number} ")


def _named(event: dict[str, Any]) -> bytes:
    return _event(event, event["type"])


def _event(data: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(data)}\n\n".encode()
