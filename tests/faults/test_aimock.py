"""aimock, a provider that is not ours: it breaks lines and garbles bodies, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployment import Deployment, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation, free_port
from tests.mcp_bridge.clients import NODE as NODE_22

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parent / "aimock"
PROGRAM = FOLDER / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
CHAOS = ["--chaos-disconnect", "0.1", "--chaos-malformed", "0.1"]
TASKS = 75  # for each of two protocols
ANSWER = "An answer in several pieces, so that a stream has something to break."


def find_node() -> str | None:
    return str(NODE_22) if NODE_22.exists() else shutil.which("node")


@pytest.fixture
def aimock(deployment: Deployment) -> Iterator[str]:
    """The address of an aimock that breaks one call in five."""
    if not PROGRAM.exists() or find_node() is None:
        pytest.skip(f"aimock NOT RUN: `npm ci` was not run in {FOLDER.relative_to(Path.cwd())}")
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("aimock: about the wire, which is tried on SQLite")
    answers = deployment.folder / "answers.json"
    response = {"match": {"userMessage": "task"}, "response": {"content": ANSWER}}
    answers.write_text(json.dumps({"fixtures": [response]}))
    url = f"http://127.0.0.1:{(port := free_port())}"
    server = deployment.spawn(
        [str(find_node()), str(PROGRAM), "--port", str(port), "--fixtures", str(answers),
         "--journal-max", "0", "--log-level", "warn", *CHAOS]
    )  # fmt: skip
    wait_until(lambda: has_come(url) or server.poll() is not None, 20, "aimock listens")
    assert server.poll() is None, deployment.log(server)
    yield url
    server.terminate()
    server.wait(10)


def requests_to(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/__aimock/journal", timeout=5) as reply:
        journal: list[dict[str, Any]] = json.load(reply)
    return [one for one in journal if one["method"] == "POST"]


def has_come(url: str) -> bool:
    try:
        return requests_to(url) == []
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.fixture
def start(deployment: Deployment, aimock: str) -> Callable[..., Installation]:
    """Two protocols, each asked there alone: every retry is its own."""

    def starting(**settings: str) -> Installation:
        deployment.environment |= {
            "OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": f"{aimock}/v1",
            "ANTHROPIC_API_KEY": "test-key", "ANTHROPIC_BASE_URL": aimock,
            "TASKRUNNER_FAILOVER": "", "TASKRUNNER_RETRY_BASE": "0.05",
            "TASKRUNNER_WORKERS": "2", "TASKRUNNER_CONCURRENCY": "32",
            "TASKRUNNER_MAX_ATTEMPTS": "20",
        } | settings  # fmt: skip
        return Installation(deployment=deployment, provider=FakeProviderProcess())

    return starting


@pytest.mark.parametrize("is_streamed", ["false", "true"])
def test_disconnects_and_malformed_bodies_lose_nothing(
    start: Callable[..., Installation], aimock: str, is_streamed: str
) -> None:
    judged = start(TASKRUNNER_STREAM=is_streamed)
    for provider in ("openai", "anthropic"):
        judged.submit(*(f"task {n}" for n in range(TASKS)), provider=provider)
    judged.start_cluster()

    statuses = judged.wait_for_end(timeout_s=120)

    assert statuses == {"COMPLETED": 2 * TASKS}
    query = judged.deployment.query
    assert query("SELECT DISTINCT result FROM tasks_task") == [(ANSWER,)]
    assert query("SELECT count(*) FROM tasks_attempt") == [(len(requests_to(aimock)),)]
    codes = {code for (code,) in query("SELECT DISTINCT error_code FROM tasks_attempt")}
    assert codes == {"", "connection_failed", "bad_response"}  # both faults came
    streamed = "SELECT count(*) FROM tasks_attempt WHERE first_token_ms IS NOT NULL"
    assert query(streamed)[0][0] == (2 * TASKS if is_streamed == "true" else 0)
