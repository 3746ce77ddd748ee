"""Which behaviour a request gets, and the log of all that arrived. Safe to use from any thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.behaviour import Behaviour, Rule


@dataclass(kw_only=True)
class Received:
    """One request that reached the server. Times are CLOCK_MONOTONIC, alike in all processes."""

    number: int
    connection: int
    provider: str  # "" for a path that no vendor has
    path: str
    prompt: str
    model: str
    headers: Mapping[str, str]  # names in lower case
    body: Any
    received_at: float
    ended_at: float | None = None
    outcome: str = "running"  # answered | faulted | client_left


@dataclass
class Switchboard:
    """The server's memory: rules, log and counts under one lock."""

    latency_s: float = 0.0
    default: Behaviour = field(default_factory=Behaviour)
    rules: list[Rule] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    transports: set[asyncio.Transport] = field(default_factory=set)
    connections: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    is_held: bool = False
    held: list[Callable[[], None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def connect(self) -> int:
        """The number of a new connection."""
        with self.lock:
            self.connections += 1
            return self.connections

    def receive(
        self, connection: int, provider: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[Received, Behaviour]:
        """Log a request and say what to do with it."""
        prompt, model = _prompt_and_model(body)
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            record = Received(
                number=len(self.requests) + 1,
                connection=connection,
                provider=provider,
                path=path,
                prompt=prompt,
                model=model,
                headers=headers,
                body=body,
                received_at=time.monotonic(),
            )
            self.requests.append(record)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            taken = (rule.take(provider, prompt, model, key) for rule in self.rules)
            return record, next((one for one in taken if one is not None), self.default)

    def end(self, record: Received, outcome: str) -> None:
        """Note how a request ended; only the first word counts."""
        with self.lock:
            if record.ended_at is None:
                record.ended_at = time.monotonic()
                record.outcome = outcome
                self.in_flight -= 1

    def release(self) -> None:
        """Give what is held, and hold nothing from now on. For the server's loop alone."""
        self.is_held = False
        held, self.held = self.held, []
        for answer in held:
            answer()

    def add_rule(self, rule: Rule) -> None:
        """The newest rule is asked first."""
        with self.lock:
            self.rules.insert(0, rule)

    def reset(self) -> None:
        """Forget rules and log; requests under way go on and are no longer counted."""
        with self.lock:
            self.rules.clear()
            self.requests.clear()
            self.connections = self.max_in_flight = 0
            self.default = Behaviour()

    def received(self, provider: str = "", prompt: str = "") -> list[Received]:
        """Requests so far, of one provider or with exactly this prompt if given."""
        with self.lock:
            return [
                record
                for record in self.requests
                if provider in ("", record.provider) and prompt in ("", record.prompt)
            ]

    def report(self, *, with_requests: bool = True) -> dict[str, Any]:
        """Counts, and every request unless told otherwise, as plain JSON."""
        with self.lock:
            report: dict[str, Any] = {
                "count": len(self.requests),
                "connections": self.connections,
                "in_flight": self.in_flight,
                "max_in_flight": self.max_in_flight,
                "by_prompt": dict(Counter(record.prompt for record in self.requests)),
                "by_provider": dict(Counter(record.provider for record in self.requests)),
            }
            if with_requests:
                report["requests"] = [asdict(record) for record in self.requests]
            return report


def _prompt_and_model(body: Any) -> tuple[str, str]:
    """The last message's text and the model, as far as the body has them."""
    if not isinstance(body, dict):
        return "", ""
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    content = last.get("content") if isinstance(last, dict) else ""
    return (content if isinstance(content, str) else ""), str(body.get("model", ""))
