"""The TypeScript clients of the protocol's makers, on both transports and both eras."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.deployment import ROOT
from tests.mcp_bridge.clients import FOLDER, NODE, require_clients
from tests.mcp_bridge.test_http import Site

pytestmark = pytest.mark.processes


@pytest.fixture
def flow(deployment):
    """What `flow.mjs` tells of a run beside workers that work."""
    require_clients("MCP TypeScript clients")
    deployment.start("qcluster", TASKRUNNER_WORKERS="1")

    def flow(**asked):
        done = subprocess.run(
            [NODE, FOLDER / "flow.mjs", json.dumps(asked)],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return flow


CLIENTS = [{"sdk": 1}, {"sdk": 2, "era": "legacy"}, {"sdk": 2, "era": "auto"}]


def test_every_client_does_over_http_what_users_do(deployment, flow):
    site = Site(deployment)
    key = site.key()
    for client in CLIENTS:
        _judge(flow(**client, url=site.url, key=key))


def test_every_client_does_on_stdio_what_users_do(deployment, flow):
    command = {"command": sys.executable, "args": [str(ROOT / "manage.py"), "runmcp"]}
    for client in CLIENTS:
        _judge(flow(**client, **command, env=deployment.environment))


def _judge(told):
    assert told["version"]["name"] == "async-ai-task-runner"
    assert {"create_task", "wait_for_task", "get_batch_status"} <= set(told["tools"])
    assert "data://models/available" in told["resources"]
    assert "data://tasks/{task_id}" in told["templates"]
    assert "task_analysis" in told["prompts"]
    task_id = told["waited"]["task_id"]
    assert told["waited"]["result"] == told["read"]["result"]
    assert (told["read"]["id"], told["read"]["priority"]) == (task_id, 8)
    assert str(task_id) in told["completed"]
    assert "Say hello" in told["prompt"]
    assert told["refused"]["error"]["code"] == "VALIDATION_ERROR"
    assert told["codes"].pop("resource") in (-32002, -32602)  # the one of its era
    assert told["codes"] == {"tool": -32602, "prompt": -32602, "cursor": -32602}
