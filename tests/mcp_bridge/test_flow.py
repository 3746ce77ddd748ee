"""The whole way: a client, the server in a process of its own, and workers that really work."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import pytest
from mcp import Client, StdioServerParameters

from tests.deployment import ROOT, wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def cluster(deployment):
    process = deployment.start("qcluster", TASKRUNNER_WORKERS="1")
    wait_until(
        lambda: deployment.query("SELECT 1 FROM tasks_worker") or process.poll() is not None,
        30, "the cluster works",
    )  # fmt: skip
    assert process.poll() is None, deployment.log(process)
    return process


def _connect(deployment, mode, *options):
    parameters = StdioServerParameters(
        command=sys.executable, args=[str(ROOT / "manage.py"), "runmcp", *options],
        env=deployment.environment, cwd=deployment.folder,
    )  # fmt: skip
    return Client(parameters, mode=mode)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_created_task_is_really_processed_and_its_answer_read(deployment, cluster, mode):
    async def run():
        async with _connect(deployment, mode) as client:
            made = await client.call_tool("create_task", {"prompt": "Say hello", "priority": 8})
            task_id = made.structured_content["task_id"]
            waited = await client.call_tool("wait_for_task", {"task_id": task_id})
            status = await client.call_tool("get_task_status", {"task_id": task_id})
            result = await client.call_tool("get_task_result", {"task_id": task_id})
            listed = await client.call_tool("list_tasks", {"status": "COMPLETED"})
            return made, waited, status, result, listed

    made, waited, status, result, listed = asyncio.run(run())
    assert made.structured_content["status"] == "PENDING"
    task = status.structured_content["task"]
    assert (task["status"], task["priority"], task["attempts"]) == ("COMPLETED", 8, 1)
    answer = result.structured_content
    assert waited.structured_content == answer
    assert answer["prompt"] == "Say hello"
    assert answer["result"]
    assert answer["result_source"] == "mock"
    assert [row["task_id"] for row in listed.structured_content["tasks"]] == [task["task_id"]]
    ((stored,),) = deployment.query("SELECT result FROM tasks_task")
    assert answer["result"] == stored


def test_a_cancelled_task_is_retried_and_then_really_runs(deployment, cluster):
    async def run():
        async with _connect(deployment, "legacy") as client:
            later = {"prompt": "hello", "run_after": _in_seconds(5)}
            task = {"task_id": (await client.call_tool("create_task", later)).structured_content[
                "task_id"]}  # fmt: skip
            cancelled = await client.call_tool("cancel_task", task)
            retried = await client.call_tool("retry_task", task)
            return cancelled, retried, await client.call_tool("wait_for_task", task)

    cancelled, retried, waited = asyncio.run(run())
    assert cancelled.structured_content["status"] == "CANCELLED"
    assert retried.structured_content["status"] == "PENDING"
    assert waited.structured_content["result"]


def _in_seconds(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_read_only_offers_reading_alone(deployment):
    async def run():
        async with _connect(deployment, "legacy", "--read-only") as client:
            tools = (await client.list_tools()).tools
            refused = await client.call_tool("create_task", {"prompt": "hello"})
            return [tool.name for tool in tools], refused

    names, refused = asyncio.run(run())
    assert "create_task" not in names
    assert "list_tasks" in names
    assert "NOT_PERMITTED" in refused.content[0].text
    assert deployment.query("SELECT count(*) FROM tasks_task") == [(0,)]
