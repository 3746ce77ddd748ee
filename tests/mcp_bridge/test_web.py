"""MCP in the web process: started anew under its clients, and several of it for one client."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import signal
import sys
import threading

import pytest
import requests

from tests.deployment import wait_until
from tests.mcp_bridge.test_http import Site, add_user

pytestmark = pytest.mark.processes
_PREFIX = "io.modelcontextprotocol"


class WebSite(Site):
    """The whole web process. A second one on the same port is what a restart leaves."""

    def _start(self, *options, **environment):
        command = [sys.executable, "-m", "uvicorn", "taskrunner.asgi:application"]
        return self.deployment.spawn([*command, "--port", str(self.port), *options], **environment)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(20)

    def start_again(self):
        self.process = self._start()
        wait_until(self._answers, 30, "the server answers again")

    def ask(self, key, method, header="", /, *, streams=False, **params):
        """A call of the 2026-07-28 revision by a client that declares the tasks extension."""
        meta = {
            f"{_PREFIX}/protocolVersion": "2026-07-28",
            f"{_PREFIX}/clientCapabilities": {"extensions": {f"{_PREFIX}/tasks": {}}},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
        headers = {
            "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {key}",
            "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": header,
        }  # fmt: skip
        answer = requests.post(self.url, json=body, headers=headers, timeout=30, stream=streams)
        return answer if streams else json.loads(answer.text.rpartition("\ndata: ")[2])

    def call(self, key, tool, **arguments):
        return self.ask(key, "tools/call", tool, name=tool, arguments=arguments)["result"]


def _follow(site, key, task_id):
    return site.ask(key, "tasks/get", task_id, taskId=task_id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_followed_run_outlives_the_web_process_for_its_owner_alone(deployment, number):
    site = WebSite(deployment)
    add_user(deployment, "guest")
    key, guest = site.key(), site.key(user="guest")
    made = site.call(key, "create_task", prompt="hello")["structuredContent"]["task_id"]
    begun = site.call(key, "wait_for_task", task_id=made)
    assert (begun["resultType"], begun["status"]) == ("task", "working")
    site.end(number)
    site.start_again()
    assert _follow(site, key, begun["taskId"])["result"]["status"] == "working"
    assert _follow(site, guest, begun["taskId"])["error"]["code"] == -32602
    deployment.start("qcluster", TASKRUNNER_WORKERS="1")
    ended = wait_until(
        lambda: (told := _follow(site, key, begun["taskId"])["result"])["status"] != "working"
        and told,
        40, "the run ends",
    )  # fmt: skip
    assert ended["status"] == "completed"
    assert ended["result"]["structuredContent"]["result"]
    assert _follow(site, guest, begun["taskId"])["error"]["code"] == -32602


def _hear(stream):
    """The messages of an event stream, as they come."""
    heard = queue.Queue()

    def read():
        with contextlib.suppress(requests.RequestException):  # the server has been killed
            listen()

    def listen():
        for line in stream.iter_lines():
            if line.startswith(b"data: "):
                heard.put(json.loads(line[6:]))

    threading.Thread(target=read, daemon=True).start()
    return heard


def test_one_client_is_served_by_two_web_processes_in_turns(deployment):
    sites = [WebSite(deployment), WebSite(deployment)]
    turns, key = itertools.cycle(sites), sites[0].key()
    ids = [
        next(turns).call(key, "create_task", prompt="x", idempotency_key=name)["structuredContent"][
            "task_id"
        ]
        for name in ("a", "a", "b", "b")
    ]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    uri = f"data://tasks/{ids[0]}"
    streams = [
        _hear(site.ask(key, "subscriptions/listen", streams=True,
                       notifications={"resourceSubscriptions": [uri]}))
        for site in sites
    ]  # fmt: skip
    for heard in streams:
        assert heard.get(timeout=20)["method"] == "notifications/subscriptions/acknowledged"
    assert sites[1].call(key, "cancel_task", task_id=ids[0])["isError"] is False
    for heard in streams:
        news = heard.get(timeout=20)
        assert (news["method"], news["params"]["uri"]) == ("notifications/resources/updated", uri)
    told = sites[0].call(key, "get_task_status", task_id=ids[0])
    assert told["structuredContent"]["task"]["status"] == "CANCELLED"
    deployment.query("UPDATE tasks_apikey SET revoked_at = created_at")
    for site in sites:
        assert site.post(key=key).status_code == 401
