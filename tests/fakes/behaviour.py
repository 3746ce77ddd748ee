"""What the fake provider does with one request, and the rules that choose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """Ways to misbehave on the wire. Drips go on until the client leaves."""

    NONE = "none"
    HANG = "hang"  # not a byte, ever
    RESET = "reset"  # RST after the request was read
    CLOSE = "close"  # FIN after the request was read
    TRUNCATE = "truncate"  # half of the promised body, then FIN
    DRIP_HEAD = "drip_head"  # one byte of header an interval
    DRIP_CONTINUE = "drip_continue"  # one "100 Continue" an interval
    DRIP_BODY = "drip_body"  # one byte of JSON an interval
    DRIP_BLANK_LINES = "drip_blank_lines"  # one empty line an interval, as DeepSeek's keep-alive
    GZIP_BOMB = "gzip_bomb"  # `size` bytes of zeros, gzipped
    HUGE_BODY = "huge_body"  # `size` bytes, plain
    DEEP_JSON = "deep_json"  # `size` levels of nested lists
    # Of an answer that was asked for as a stream; else the line is closed. TRUNCATE breaks one too.
    CUT_STREAM = "cut_stream"  # all the text, no end mark, a proper end of the body
    ERROR_EVENT = "error_event"  # half of the text, then `body`, or an overload, as an event
    DRIP_EVENTS = "drip_events"  # one piece of text an interval
    HUGE_STREAM = "huge_stream"  # pieces of `size` letters without end


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One scripted answer. The default is a proper completion in the vendor's shape."""

    latency_s: float | None = None  # None: the server's own
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # str as it is, anything else as JSON; None: the vendor's shape
    raw: str | None = None  # the whole reply, status line included, as latin-1; then FIN
    fault: Fault = Fault.NONE
    interval_s: float = 0.1  # of drips
    size: int = 64 * 1024 * 1024
    text: str | None = None  # None: "Answer to: PROMPT"
    finish_reason: str | None = None  # the vendor's word, or OpenAI's; None: a normal end
    model: str | None = None  # None: the model asked
    has_usage: bool = True
    prompt_tokens: int = 11
    completion_tokens: Any = 7  # an int, or nonsense
    cached_tokens: int = 0
    blank_lines: int = 0  # before the body; of a stream, comments
    pieces: int = 4  # in which a stream brings the text
    pause_s: float = 0.0  # before each event of a stream
    then_close: bool = False  # FIN after a proper answer that promised keep-alive

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Behaviour:
        """The same, from the control address. Unknown names are a TypeError."""
        return cls(**{**data, "fault": Fault(data.get("fault", Fault.NONE))})


@dataclass(kw_only=True)
class Rule:
    """Requests that match get `behaviours` one after another; then the last one for ever if
    `repeat`, else the next rule decides."""

    behaviours: list[Behaviour]
    provider: str = ""
    prompt_contains: str = ""
    model: str = ""
    key: str = ""
    repeat: bool = False
    used: int = 0

    def take(self, provider: str, prompt: str, model: str, key: str) -> Behaviour | None:
        """The behaviour for this request, or None if the rule has nothing to say about it."""
        if self.key not in ("", key):
            return None
        if self.provider and self.provider != provider:
            return None
        if self.prompt_contains not in prompt or (self.model and self.model != model):
            return None
        if self.used >= len(self.behaviours) and not self.repeat:
            return None
        chosen = self.behaviours[min(self.used, len(self.behaviours) - 1)]
        self.used += 1
        return chosen
