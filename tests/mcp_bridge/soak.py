"""How an MCP server bears long use: `python -m tests.mcp_bridge.soak [--calls N] [--clients N]`.

One stdio session with many calls, then many HTTP clients at once; on `DATABASE_URL` or SQLite.
Prints memory and open files as they grow, or do not.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import requests

from mcp_bridge.threads import AT_ONCE
from tests.deployment import Deployment, template_database, wait_until
from tests.mcp_bridge.held import no_submits
from tests.mcp_bridge.test_http import Site
from tests.mcp_bridge.wire import Wire


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a process holds."""

    rss_mb: float
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Use:
        status = Path(f"/proc/{pid}/status").read_text()
        found = dict(line.split(":", 1) for line in status.splitlines())
        files = len(os.listdir(f"/proc/{pid}/fd"))
        rss_mb = int(found["VmRSS"].split()[0]) / 1024
        return cls(rss_mb=rss_mb, files=files, threads=int(found["Threads"]))

    @classmethod
    def at_rest(cls, pid: int) -> Use:
        """The same once it stays alike: clients that have hung up are noticed one by one."""
        looks: list[Use] = []

        def is_alike() -> bool:
            looks.append(cls.of(pid))
            return len(looks) > 2 and len({use.files for use in looks[-3:]}) == 1

        wait_until(is_alike, 60, "the clients' connections are closed", every_s=1)
        return looks[-1]


def talk_long(deployment: Deployment, calls: int, steps: int = 5) -> list[Use]:
    """What the server holds after a warm-up and after each part of `calls` mixed calls."""
    wire = Wire(deployment)
    wire.shake_hands()
    task_id = wire.call("create_task", prompt="hello")["structuredContent"]["task_id"]
    uses = []
    for part in range(steps + 1):
        if not part:
            _open_all_connections(deployment, wire)
        for number in range(calls // steps if part else 200):
            _call_something(wire, task_id, number)
        uses.append(Use.of(wire.process.pid))
    wire.process.stdin.close()
    assert wire.end(10) == 0
    return uses


def _open_all_connections(deployment: Deployment, wire: Wire) -> None:
    """Lets the server start all the threads that it ever will, each with its connection: calls one
    after the other need one, or more if somebody else is busy on this machine."""
    submit = {"name": "create_task", "arguments": {"prompt": "hello"}}
    with no_submits(deployment):
        for number in range(AT_ONCE):
            key = f"held {number}"
            wire.send({"jsonrpc": "2.0", "id": key, "method": "tools/call", "params": submit})
        assert wire.ask("ping")["result"] == {}  # so the calls before it are under way
    for _ in range(AT_ONCE):
        assert not wire.receive()["result"]["isError"]
    assert Use.of(wire.process.pid).threads > AT_ONCE


def _call_something(wire: Wire, task_id: int, number: int) -> None:
    kind = number % 10
    if kind == 0:
        assert not wire.call("create_task", prompt=f"prompt {number}")["isError"]
    elif kind == 1:
        assert wire.call("create_task", prompt="")["isError"]
    elif kind == 2:
        assert wire.ask("resources/read", uri=f"data://tasks/{task_id}")["result"]
    elif kind == 3:
        assert not wire.call("list_tasks", limit=5)["isError"]
    elif kind == 4:
        assert wire.ask("prompts/list")["result"]
    else:
        assert not wire.call("get_task_status", task_id=task_id)["isError"]


def crowd(site: Site, key: str, clients: int, calls: int) -> Counter[str]:
    """How `clients` fared, all at once, each over its own connection with `calls` calls."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    headers = {
        "Accept": "application/json, text/event-stream", "Content-Type": "application/json",
        "Authorization": f"Bearer {key}",
    }  # fmt: skip

    def one(number: int) -> Counter[str]:
        told: Counter[str] = Counter()
        with requests.Session() as session:
            for call in range(calls):
                given = {"prompt": f"{number}", "idempotency_key": f"{number}-{call}"}
                body = message | {"params": {"name": "create_task", "arguments": given}}
                answer = session.post(site.url, json=body, headers=headers, timeout=120)
                told[_judge(answer)] += 1
        return told

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(one, range(clients)), Counter())


def _judge(answer: requests.Response) -> str:
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    result = json.loads(answer.text.rpartition("data: ")[2])["result"]
    if result["isError"]:
        code: str = json.loads(result["content"][0]["text"])["error"]["code"]
        return code
    return "made"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="in the stdio session (10000)")
    parser.add_argument("--clients", type=int, default=200, help="over HTTP, at once (200)")
    options = parser.parse_args()
    os.environ.setdefault("DATABASE_URL", "sqlite:///db.sqlite3")
    folder = Path(tempfile.mkdtemp(prefix="mcp-soak-"))
    with Deployment.create(folder, template_database()) as deployment:
        started = time.monotonic()
        for part, use in enumerate(talk_long(deployment, options.calls)):
            _say(f"stdio, part {part}: {use}")
        _say(f"{options.calls} calls in {time.monotonic() - started:.0f} s")
        site = Site(deployment)
        key = site.key()
        crowd(site, key, 5, 1)
        _say(f"HTTP, before: {Use.of(site.process.pid)}")
        for turn in range(3):
            told = crowd(site, f"{site.key()}", options.clients, 3)
            _say(f"HTTP, crowd {turn}: {dict(told)}, {Use.at_rest(site.process.pid)}")
        ((tasks,),) = deployment.query("SELECT count(*) FROM tasks_task WHERE prompt <> %s", ("",))
        _say(f"tasks in all: {tasks}")


if __name__ == "__main__":
    main()
