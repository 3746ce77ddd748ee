"""The wire itself: raw lines, signals, the end of the input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from urllib.parse import urlsplit

import pytest

from tests.deployment import wait_until
from tests.mcp_bridge.wire import INITIALIZE, INITIALIZED, Wire

pytestmark = pytest.mark.processes


@pytest.fixture
def wire(deployment):
    wire = Wire(deployment, "--log-level", "debug")
    wire.shake_hands()
    return wire


@pytest.fixture(scope="module")
def lasting_wire(shared_deployment):
    """One server for all that it has to outlive."""
    wire = Wire(shared_deployment, "--log-level", "debug")
    wire.shake_hands()
    return wire


@pytest.mark.once
def test_every_byte_on_stdout_is_json_rpc_even_when_the_log_is_full(deployment, wire):
    wire.call("create_task", prompt="hello")
    wire.call("list_tasks", limit="5")
    wire.ask("resources/read", uri="data://system/stats")
    wire.ask("prompts/get", name="system_health")
    wire.process.stdin.close()
    assert wire.end() == 0
    assert len(wire.lines) == 5
    for line in wire.lines:
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert "mcp" in wire.errors.read_text()  # the debug log was written, elsewhere
    assert deployment.query("SELECT prompt FROM tasks_task") == [("hello",)]


def test_a_script_that_pipes_its_requests_gets_its_answers(deployment):
    call = {"name": "create_task", "arguments": {"prompt": "hello"}}
    messages = [
        INITIALIZE, INITIALIZED,
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]  # fmt: skip
    done = deployment.manage("runmcp", stdin="\n".join(json.dumps(m) for m in messages))
    answers = {message["id"]: message for message in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, set(answers)) == (0, {0, 1, 2})
    assert answers[2]["result"]["structuredContent"]["status"] == "PENDING"


@pytest.mark.once
def test_the_end_of_the_input_ends_a_server_that_is_waiting_for_a_task(wire):
    task_id = wire.call("create_task", prompt="hello")["structuredContent"]["task_id"]
    wait = {"name": "wait_for_task", "arguments": {"task_id": task_id, "timeout_seconds": 45}}
    wire.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": wait})
    started = time.monotonic()
    wire.process.stdin.close()
    assert wire.end() == 0
    assert time.monotonic() - started < 20  # and not the 45 s of the wait


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_busy", [False, True])
def test_a_signal_ends_it_at_once_though_the_input_stays_open(wire, number, is_busy):
    if is_busy:
        task_id = wire.call("create_task", prompt="hello")["structuredContent"]["task_id"]
        wait = {
            "name": "wait_for_task", "arguments": {"task_id": task_id, "timeout_seconds": 45},
            "_meta": {"progressToken": "p"},
        }  # fmt: skip
        wire.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": wait})
        assert wire.receive()["method"] == "notifications/progress"
    started = time.monotonic()
    os.kill(wire.process.pid, number)
    assert wire.end() == 0
    assert time.monotonic() - started < 20  # and not the 45 s of the wait
    assert "Traceback" not in wire.errors.read_text()


@pytest.mark.once
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("garbage", -32700), ('{"jsonrpc": "2.0", "id": 1,', -32700), (b'{"a": "\xff\xfe', -32700),
        ("[" * 100_000, -32700), ('{"x":' * 100_000, -32700),
        (r'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\ud800"}}', -32700),
        ("[]", -32600), ("7", -32600), ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
    ],
)  # fmt: skip
def test_a_line_that_is_no_message_is_answered_and_the_server_lives_on(lasting_wire, line, code):
    lasting_wire.send(line)
    answer = lasting_wire.receive()
    assert (answer["id"], answer["error"]["code"]) == (None, code)
    assert lasting_wire.ask("ping")["result"] == {}


@pytest.mark.once
def test_a_megabyte_of_prompt_is_refused_and_not_written_back(lasting_wire):
    result = lasting_wire.call("create_task", prompt="x" * 1_000_000)
    assert result["isError"] is True
    assert len(json.dumps(result)) < 1000


def test_a_cancelled_wait_is_not_answered_and_the_server_goes_on(wire):
    task_id = wire.call("create_task", prompt="hello")["structuredContent"]["task_id"]
    wait = {"name": "wait_for_task", "arguments": {"task_id": task_id, "timeout_seconds": 45}}
    wire.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": wait})
    cancelled = {"requestId": 9, "reason": "changed my mind"}
    wire.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})
    assert wire.ask("ping")["result"] == {}
    wire.process.stdin.close()
    assert wire.end() == 0
    assert not any(json.loads(line).get("id") == 9 for line in wire.lines)


def test_the_database_goes_away_and_comes_back_and_the_server_lives_on(deployment, wire):
    if not deployment.database_url.startswith("postgres"):
        pytest.skip("SQLite has no server that could go away")
    assert wire.call("list_tasks")["isError"] is False
    name = urlsplit(deployment.database_url).path[1:]
    _alter_as_admin(deployment, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    _alter_as_admin(
        deployment,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        result = wire.call("list_tasks")
        assert result["isError"] is True
        error = json.loads(result["content"][0]["text"])["error"]
        assert error["code"] == "DATABASE_UNAVAILABLE"
        assert name not in error["message"]
    finally:
        _alter_as_admin(deployment, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_until(lambda: wire.call("list_tasks")["isError"] is False, 20, "the server works again")


def _alter_as_admin(deployment, statement):
    address = urlsplit(deployment.database_url)._replace(path="/postgres").geturl()
    subprocess.run(["psql", address, "-qc", statement], check=True, capture_output=True)


def test_terminated_connections_fail_no_call(deployment, wire):
    if not deployment.database_url.startswith("postgres"):
        pytest.skip("SQLite has no connections that could be terminated")
    name = urlsplit(deployment.database_url).path[1:]
    for _ in range(3):
        _alter_as_admin(
            deployment,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        assert wire.call("create_task", prompt="hello")["isError"] is False
