"""The API as it is really served: uvicorn, chunked bodies, static files, many waiters."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.deployment import wait_until

pytestmark = pytest.mark.processes


@dataclass(frozen=True, kw_only=True)
class Server:
    """A web process, and a key for it."""

    port: int
    key: str
    log: Any

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers. An iterable body is sent in chunks, without a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, sent | headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(shared_deployment) -> Server:
    made = shared_deployment.manage("create_api_key", "admin", "--name", "test", "--scope", "write")
    port = _free_port()
    command = ["uvicorn", "taskrunner.asgi:application", "--port", str(port), "--no-access-log"]
    process = shared_deployment.spawn([sys.executable, "-m", *command], ALLOWED_HOSTS="127.0.0.1")
    wait_until(lambda: _is_open(port), 30, "uvicorn listens")
    return Server(port=port, key=made.stdout.strip(), log=lambda: shared_deployment.log(process))


def _chunks(data: bytes, size: int = 65_536) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def test_bodies_without_a_length_and_static_files_are_served(server):
    order = json.dumps({"prompt": "in chunks", "tags": ["x"] * 10}).encode()
    status, body, _ = server.ask("POST", "/api/tasks/", _chunks(order, 7))
    assert (status, json.loads(body)["prompt"]) == (201, "in chunks")

    flood = json.dumps({"prompt": "x" * 3_000_000}).encode()
    status, body, _ = server.ask("POST", "/api/tasks/", _chunks(flood))
    assert (status, json.loads(body)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")

    bundle = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    status, body, headers = server.ask("GET", bundle)
    assert (status, len(body)) == (200, int(headers["content-length"]))
    assert "content-security-policy" in headers
    status, part, _ = server.ask("GET", bundle, Range="bytes=10-19")
    assert (status, part) == (206, body[10:20])
    assert server.ask("GET", bundle, **{"If-None-Match": headers["etag"]})[0] == 304
    assert server.ask("GET", "/static/nothing.js")[0] == 404
    assert "Warning" not in server.log()


def test_sixty_waiters_hold_nobody_up_and_hear_of_the_end_together(server):
    """More waiters than the pool has connections."""
    made = server.ask("POST", "/api/tasks/", json.dumps({"prompt": "slow"}))
    task = json.loads(made[1])["id"]

    def wait_once(_: int) -> tuple[int, str, float]:
        status, body, _ = server.ask("GET", f"/api/tasks/{task}/wait/?timeout=25")
        return status, json.loads(body)["status"], time.monotonic()

    with ThreadPoolExecutor(60) as threads:
        waiting = [threads.submit(wait_once, number) for number in range(60)]
        slowest_s = 0.0
        for _ in range(10):
            started = time.monotonic()
            assert server.ask("GET", "/api/tasks/?limit=1")[0] == 200
            slowest_s = max(slowest_s, time.monotonic() - started)
        assert not any(one.done() for one in waiting)
        ended = time.monotonic()
        assert server.ask("POST", f"/api/tasks/{task}/cancel/")[0] == 200
        answers = [one.result() for one in waiting]
    assert {(status, state) for status, state, _ in answers} == {(200, "CANCELLED")}
    assert max(moment for _, _, moment in answers) - ended < 8
    assert slowest_s < 8


def test_a_batch_larger_than_other_bodies_is_taken_from_those_with_a_key(server):
    line = json.dumps({"prompt": "x" * 950, "custom_id": "c"}).encode() + b"\n"
    body, kind = line * 18_000, {"Content-Type": "application/x-ndjson"}
    assert len(body) > 16 * 1024 * 1024
    status, answer, _ = server.ask("POST", "/api/batches/?name=big", body, **kind)
    assert status == 201, answer
    batch = json.loads(answer)
    assert batch["counts"]["PENDING"] == 18_000
    path = f"/api/batches/{batch['id']}/results.jsonl"
    status, lines, headers = server.ask("GET", path)
    assert (status, headers["content-type"]) == (200, "application/x-ndjson")
    assert lines.count(b'"custom_id": "c"') == lines.count(b"\n") == 18_000
    assert server.ask("POST", "/api/batches/", _chunks(line * 10), **kind)[0] == 201

    stranger = kind | {"Authorization": "Bearer trk_nobody"}
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before it is read
        status, answer, _ = server.ask("POST", "/api/batches/", body, **stranger)
        assert (status, json.loads(answer)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "Warning" not in server.log()


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("path", ["/api/tasks/", "/api/batches/"])
def test_a_body_of_20_mb_is_answered_readably(server, path, has_length):
    flood = b"x" * 20_000_000
    sent = flood if has_length else _chunks(flood)
    status, body, headers = server.ask("POST", path, sent, **{"X-Request-ID": "flood-123"})
    assert (status, headers["content-type"]) == (413, "application/json")
    error = json.loads(body)["error"]
    assert (error["code"], error["request_id"]) == ("PAYLOAD_TOO_LARGE", "flood-123")
    assert "Traceback" not in server.log()


def test_short_calls_keep_what_django_adds_to_every_answer(server):
    status, body, headers = server.ask(
        "GET", "/api/tasks/987654321/", **{"X-Request-ID": "mine-12345"}
    )
    assert (status, headers["x-request-id"]) == (404, "mine-12345")
    assert json.loads(body)["error"]["request_id"] == "mine-12345"
    assert "default-src 'self'" in headers["content-security-policy"]
    status, page, _ = server.ask("GET", "/api/docs/", Accept="text/html")
    assert status == 200
    assert b"swagger" in page.lower()


def test_a_client_that_leaves_in_mid_body_leaves_nothing_behind(server):
    _, before, _ = server.ask("GET", "/api/tasks/?limit=1")
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        head = f"POST /api/tasks/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.key}"
        line.sendall(f'{head}\r\nContent-Length: 900\r\n\r\n{{"prompt": '.encode())
    status, after, _ = server.ask("GET", "/api/tasks/?limit=1")
    assert (status, json.loads(after)) == (200, json.loads(before))
