"""Bodies that are too large end before anything is written to disk."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from taskrunner.body_cap import BodyCap


def send_through(
    chunks: list[bytes], length: int | None, allowance: int = 0
) -> tuple[list[Any], list[Any]]:
    """What the application received, and what the client was answered; the cap is 10 bytes."""
    received: list[Any] = []
    answered: list[Any] = []
    queue = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    queue.append({"type": "http.disconnect"})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in chunks:
            received.append(await receive())

    async def receive() -> Any:
        return queue.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    async def allow(scope: Any) -> int:
        return allowance

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    capped = BodyCap(app, most_bytes=10, allowance=allow)
    asyncio.run(capped({"type": "http", "headers": headers}, receive, send))
    return received, answered


def test_declared_length_over_the_cap_is_refused_unread() -> None:
    received, answered = send_through([b"x"], length=11)

    assert received == []
    assert answered[0]["status"] == 413
    assert json.loads(answered[1]["body"])["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_body_without_a_length_is_cut_off_at_the_cap_and_answered() -> None:
    received, answered = send_through([b"12345", b"67890", b"1"], length=None)

    assert [message["type"] for message in received] == ["http.request"] * 2 + ["http.disconnect"]
    assert answered[0]["status"] == 413


def test_refusal_is_sent_whole_before_the_rest_of_the_body_is_let_pass() -> None:
    _, answered = send_through([b"x"] * 11, length=11)

    head, body, end = answered
    fields = dict(head["headers"])
    assert int(fields[b"content-length"]) == len(body["body"])
    error = json.loads(body["body"])["error"]
    assert error["request_id"] == fields[b"x-request-id"].decode()
    assert (body["more_body"], end["body"]) == (True, b"")


def test_body_within_the_cap_passes() -> None:
    received, _ = send_through([b"1234567890"], length=10)

    assert received[0]["body"] == b"1234567890"


def test_allowance_lifts_the_cap_for_the_request_that_has_it() -> None:
    received, answered = send_through([b"x" * 20], length=20, allowance=20)

    assert received[0]["body"] == b"x" * 20
    assert answered == []


def test_allowance_is_a_cap_too() -> None:
    received, answered = send_through([b"x"], length=21, allowance=20)

    assert received == []
    assert answered[0]["status"] == 413
