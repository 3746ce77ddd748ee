"""Long use, many clients and several processes, in short; `python -m tests.mcp_bridge.soak` is
the long form."""

from __future__ import annotations

import concurrent.futures
import json

import pytest

from tests.mcp_bridge.soak import Use, crowd, talk_long
from tests.mcp_bridge.test_http import PING, Site
from tests.mcp_bridge.wire import Wire

pytestmark = pytest.mark.processes


def test_a_long_session_holds_no_more_at_its_end_than_after_its_begin(deployment):
    first, *_, last = talk_long(deployment, 600, steps=2)
    assert last.files <= first.files
    assert last.threads <= first.threads
    assert last.rss_mb - first.rss_mb < 10


def test_a_crowd_of_clients_is_answered_and_leaves_nothing_open(deployment):
    site = Site(deployment)
    key = site.key()
    crowd(site, key, 20, 1)
    before = Use.of(site.process.pid)
    told = crowd(site, key, 100, 2)
    assert told == {"made": 200}
    # The first twenty came with keys that were used before.
    assert deployment.query("SELECT count(*) FROM tasks_task") == [(200,)]
    assert Use.of(site.process.pid).threads <= before.threads + 12
    if deployment.database_url.startswith("postgres"):
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        assert deployment.query(statement)[0][0] <= 16


def _post(site, key, name, **arguments):
    call = {"name": name, "arguments": arguments}
    answer = site.post(json.dumps(PING | {"method": "tools/call", "params": call}), key=key)
    return json.loads(answer.text.rpartition("data: ")[2])["result"]["structuredContent"]


def test_one_key_at_the_same_moment_on_both_transports_is_one_task(deployment):
    site, wires = Site(deployment), [Wire(deployment) for _ in range(2)]
    key = site.key()
    for wire in wires:
        wire.shake_hands()
    asked = {"prompt": "hello", "idempotency_key": "once"}
    ways = [lambda: _post(site, key, "create_task", **asked)] * 6
    ways += [
        lambda wire=wire: wire.call("create_task", **asked)["structuredContent"] for wire in wires
    ]
    with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
        told = [future.result() for future in [pool.submit(way) for way in ways]]
    assert len({answer["task_id"] for answer in told}) == 1
    assert deployment.query("SELECT count(*) FROM tasks_task") == [(1,)]


def test_a_client_may_talk_to_several_web_processes_in_turns(deployment):
    sites = [Site(deployment), Site(deployment)]
    key = sites[0].key()
    task_id = _post(sites[0], key, "create_task", prompt="hello")["task_id"]
    status = _post(sites[1], key, "get_task_status", task_id=task_id)
    assert status["task"]["status"] == "PENDING"
    assert _post(sites[0], key, "cancel_task", task_id=task_id)["status"] == "CANCELLED"
    status = _post(sites[1], key, "get_task_status", task_id=task_id)
    assert status["task"]["status"] == "CANCELLED"
