"""Who answers what in the web process: MCP its own path, Django the rest, one lifespan."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.taskrunner.project import Project

pytestmark = pytest.mark.processes


def _status(url: str, data: bytes | None = None, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as got:
            return int(got.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_mcp_and_django_share_the_port(project: Project) -> None:
    run = project.start("--no-worker")
    run.wait_until_ready()
    root = f"http://127.0.0.1:{run.port}"
    assert _status(f"{root}/healthz") == 200
    assert _status(f"{root}/mcp", b"{}") == 401  # without a key; 404 would be Django's
    assert _status(f"{root}/mcp/else") == 404
    assert _status(f"{root}/api/tasks/") in (401, 403)

    key = project.run("create_api_key", "admin", "--name", "mcp", "--scope", "read").stdout.strip()
    call = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
    accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    assert _status(f"{root}/mcp", call, Authorization=f"Bearer {key}", **accept) == 200
