"""How a server goes while somebody is in the middle of something."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest
import requests

from tests.deployment import wait_until
from tests.mcp_bridge.held import no_submits
from tests.mcp_bridge.test_http import PING, Site
from tests.mcp_bridge.wire import Wire

pytestmark = pytest.mark.processes


def _counts(deployment):
    tables = ("tasks_task", "tasks_event")
    return [deployment.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


@pytest.mark.parametrize(
    ("tool", "arguments", "whole"),
    [("create_task", {"prompt": "x"}, 1), ("create_batch", {"prompts": ["x"] * 100}, 100)],
)
@pytest.mark.parametrize("has_time", [True, False])
def test_the_end_of_the_input_in_a_submit_leaves_all_of_it_or_nothing(
    deployment, tool, arguments, whole, has_time
):
    wire = Wire(deployment)
    wire.shake_hands()
    before = _counts(deployment)
    call = {"name": tool, "arguments": arguments}
    with no_submits(deployment):
        wire.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
        assert wire.ask("ping", 2)["result"] == {}  # so the call before it is under way
        wire.process.stdin.close()
        if not has_time:
            assert wire.end() == 0
    assert wire.end() == 0
    made, events = (after - old for after, old in zip(_counts(deployment), before, strict=True))
    assert made in ((0, whole) if has_time else (0,))
    assert (events > 0) == (made > 0)
    answers = [message for line in wire.lines if (message := json.loads(line)).get("id") == 1]
    if any("structuredContent" in answer.get("result", {}) for answer in answers):
        assert made == whole
    assert "Traceback" not in wire.errors.read_text()


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_a_signal_answers_who_waits_for_a_task_over_http(deployment, number, version):
    """With how things stand, and at once: neither after the wait nor by hanging up."""
    site = Site(deployment)
    client = _Client(site.url, site.key(), version)
    task_id = client.call("create_task", prompt="hello")["task_id"]
    told = []
    wait = threading.Thread(
        target=lambda: told.append(
            client.call("wait_for_task", task_id=task_id, timeout_seconds=45)
        )
    )
    wait.start()
    wait_until(lambda: client.has_sent_all, 30, "the wait is asked for")
    client.call("get_task_status", task_id=task_id)  # answered after the wait has begun
    os.kill(site.process.pid, number)
    assert site.process.wait(20) == 0
    wait.join(10)
    assert [answer["task"]["status"] for answer in told] == ["PENDING"]
    assert "Traceback" not in deployment.log(site.process)


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_on_stdio_is_followed_at_little_cost(deployment, number):
    """A busy machine must not turn it into more than a second: by the processor's clock."""
    wire = Wire(deployment)
    wire.shake_hands()
    assert not wire.call("create_task", prompt="hello")["isError"]
    before_s = _cpu_s(wire.process.pid)
    os.kill(wire.process.pid, number)
    os.waitid(os.P_PID, wire.process.pid, os.WEXITED | os.WNOWAIT)
    assert _cpu_s(wire.process.pid) - before_s < 0.2
    assert wire.end() == 0


def _cpu_s(pid):
    """Seconds of processor time, also of a process that has ended and was not yet fetched."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Client:
    """Raw calls, each over a connection of its own."""

    def __init__(self, url, key, version):
        self._url, self._version = url, version
        self._headers = {
            "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {key}",
            "MCP-Protocol-Version": version,
        }  # fmt: skip
        self.has_sent_all = False

    def call(self, tool, /, **arguments):
        params = {"name": tool, "arguments": arguments}
        headers = self._headers | {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        if self._version == "2026-07-28":
            prefix = "io.modelcontextprotocol"
            params["_meta"] = {
                f"{prefix}/protocolVersion": self._version, f"{prefix}/clientCapabilities": {},
            }  # fmt: skip
        data = json.dumps(PING | {"method": "tools/call", "params": params}).encode()

        def body():
            yield data
            self.has_sent_all = tool == "wait_for_task" or self.has_sent_all

        headers["Content-Type"] = "application/json"
        answer = requests.post(self._url, data=body(), headers=headers, timeout=60)
        answer.raise_for_status()
        return json.loads(answer.text.rpartition("data: ")[2])["result"]["structuredContent"]
