"""Streamable HTTP from a real server, spoken to by the SDK's client and by plain requests."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import time

import pytest
import requests
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.deployment import wait_until

pytestmark = pytest.mark.processes
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class Site:
    """A server on a port of its own, and keys to it."""

    def __init__(self, deployment, *options, **environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.deployment = deployment
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.process = self._start(*options, **environment)
        wait_until(self._answers, 30, "the server answers")

    def _start(self, *options, **environment):
        where = ("--transport", "http", "--port", str(self.port))
        return self.deployment.start("runmcp", *where, *options, **environment)

    def _answers(self):
        assert self.process.poll() is None, self.deployment.log(self.process)
        try:
            return requests.get(self.url, timeout=5).status_code == 405
        except requests.ConnectionError:
            return False

    def key(self, scope="write", user="admin"):
        made = self.deployment.manage("create_api_key", user, "--name", "t", "--scope", scope)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def post(self, body=None, *, key="", headers=None, url=""):
        headers = {"Accept": "application/json, text/event-stream"} | (headers or {})
        if key:
            headers["Authorization"] = f"Bearer {key}"
        body = json.dumps(PING) if body is None else body
        headers.setdefault("Content-Type", "application/json")
        return requests.post(url or self.url, data=body, headers=headers, timeout=20)

    def use(self, key, mode, action):
        async def run():
            http = create_mcp_http_client(headers={"Authorization": f"Bearer {key}"})
            async with (
                http,
                Client(streamable_http_client(self.url, http_client=http), mode=mode) as client,
            ):
                return await action(client)

        return asyncio.run(run())


@pytest.fixture
def site(deployment):
    return Site(deployment)


@pytest.fixture(scope="module")
def lasting_site(shared_deployment):
    """One server for all that changes nothing, with a key that may write."""
    site = Site(shared_deployment)
    return site, site.key()


def add_user(deployment, name):
    made = deployment.manage(
        "createsuperuser", "--noinput", "--username", name, "--email", "u@example.org",
        DJANGO_SUPERUSER_PASSWORD="a-password",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    deployment.query(
        "UPDATE auth_user SET is_staff = %s, is_superuser = %s WHERE username = %s",
        (False, False, name),
    )


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_a_client_with_a_key_creates_waits_with_progress_and_reads(site, mode):
    heard = []

    async def flow(client):
        async def on_progress(progress, total, message):
            if not heard:  # it waits by now: time for somebody to work
                site.deployment.start("qcluster", TASKRUNNER_WORKERS="1")
            heard.append(message)

        made = await client.call_tool("create_task", {"prompt": "hello"})
        task = {"task_id": made.structured_content["task_id"]}
        return await client.call_tool("wait_for_task", task, progress_callback=on_progress)

    answer = site.use(site.key(), mode, flow)
    assert answer.structured_content["result"]
    assert "PENDING" in heard[0]


def test_each_key_acts_as_its_user_within_its_scope(site):
    add_user(site.deployment, "guest")

    async def create(client):
        return await client.call_tool("create_task", {"prompt": "hello"})

    async def look(client):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        listed = await client.call_tool("list_tasks", {})
        return tools, listed.structured_content["total"], await create(client)

    site.use(site.key(), "legacy", create)
    tools, total, refused = site.use(site.key("read"), "legacy", look)
    assert ("create_task" in tools, total) == (False, 1)
    assert "NOT_PERMITTED" in refused.content[0].text
    tools, total, made = site.use(site.key(user="guest"), "auto", look)
    assert ("create_task" in tools, total, made.is_error) == (True, 0, False)


def test_no_key_a_wrong_a_revoked_and_a_key_in_the_url_are_refused(site):
    key = site.key()
    assert site.post(key=key).status_code == 200
    for answer in (
        site.post(), site.post(key="trk_wrong"), site.post(headers={"Authorization": key}),
        site.post(headers={"Authorization": f"Basic {key}"}), site.post(key="\x80\xff"),
        site.post(url=f"{site.url}?api_key={key}&key={key}&token={key}"),
    ):  # fmt: skip
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["error"]["code"] == "NOT_AUTHENTICATED"
    site.deployment.query("UPDATE tasks_apikey SET revoked_at = created_at")
    refused = site.post(key=key)
    assert refused.status_code == 401
    assert "unknown, revoked or expired" in refused.json()["error"]["message"]
    assert "revoked" not in site.post().json()["error"]["message"]  # none was sent


def test_who_has_no_key_is_told_where_to_read_how_to_send_one(lasting_site):
    site, _ = lasting_site
    challenge = site.post().headers["WWW-Authenticate"]
    assert "error=" not in challenge
    assert 'error="invalid_token"' in site.post(key="trk_wrong").headers["WWW-Authenticate"]
    where = re.search(r'resource_metadata="([^"]+)"', challenge).group(1)
    assert where == f"http://127.0.0.1:{site.port}/.well-known/oauth-protected-resource/mcp"
    answer = requests.get(where, timeout=10)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["resource"] == site.url
    assert answer.json()["bearer_methods_supported"] == ["header"]
    assert answer.json()["scopes_supported"] == ["read", "write", "admin"]
    foreign = requests.get(where, headers={"Host": "evil.example"}, timeout=10)
    assert foreign.status_code == 421
    assert requests.post(where, json={}, timeout=10).status_code == 405


@pytest.mark.once
def test_an_address_that_keeps_guessing_is_slowed_down(site):
    answers = [site.post(key=f"trk_{n}") for n in range(125)]  # two windows, wherever it begins
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1


@pytest.mark.once
def test_what_is_no_post_is_refused_before_anything_is_looked_up(lasting_site):
    site, _ = lasting_site
    for method in ("GET", "DELETE", "PUT", "OPTIONS", "HEAD"):
        answer = requests.request(method, site.url, timeout=10)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.once
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_foreign_hosts_and_origins_are_refused_wherever_it_is_bound(deployment, host):
    site = Site(deployment, "--host", host)
    key = site.key()
    assert site.post(key=key).status_code == 200
    for local in ("http://127.0.0.1:5173", "http://localhost:3000", "https://localhost"):
        assert site.post(key=key, headers={"Origin": local}).status_code == 200
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
        assert site.post(key=key, headers={"Host": name}).status_code in (400, 421)
    assert site.post(key=key, headers={"Host": "evil.example"}).status_code == 421
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert site.post(key=key, headers={"Origin": origin}).status_code == 403
    assert site.post(headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.once
def test_the_allow_lists_are_the_settings(deployment):
    site = Site(
        deployment,
        TASKRUNNER_MCP_ALLOWED_HOSTS="tasks.example.org,127.0.0.1",
        TASKRUNNER_MCP_ALLOWED_ORIGINS="https://app.example.org",
    )
    key = site.key()
    for name in ("tasks.example.org", "tasks.example.org:8443"):
        assert site.post(key=key, headers={"Host": name}).status_code == 200
    assert site.post(key=key, headers={"Host": "localhost"}).status_code == 421
    ours, theirs = {"Origin": "https://app.example.org"}, {"Origin": "http://localhost:3000"}
    assert site.post(key=key, headers=ours).status_code == 200
    assert site.post(key=key, headers=theirs).status_code == 403


@pytest.mark.once
@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        ("garbage", {400}), ("[" * 100_000, {400}), ("[]", {400}), (b'{"a": "\xff"}', {400}),
        ("x" * 2_000_000, {413}), (json.dumps(PING | {"method": "no/such"}), {200, 404}),
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused_and_the_server_lives_on(lasting_site, body, statuses):
    site, key = lasting_site
    assert site.post(body, key=key).status_code in statuses
    assert site.post(key=key).status_code == 200


@pytest.mark.once
def test_a_signal_ends_it_with_calls_in_flight(site):
    key = site.key()
    call = {"name": "create_task", "arguments": {"prompt": "hello"}}
    made = site.post(json.dumps(PING | {"method": "tools/call", "params": call}), key=key)
    assert made.status_code == 200
    started = time.monotonic()
    os.kill(site.process.pid, signal.SIGTERM)
    assert site.process.wait(10) == 0
    assert time.monotonic() - started < 5


@pytest.mark.once
def test_a_port_that_is_taken_is_one_line_and_not_a_success(deployment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = deployment.manage("runmcp", "--transport", "http", "--port", port)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr.lower()


def test_a_call_that_goes_well_leaves_no_line_in_the_log(site):
    key = site.key()
    before = site.deployment.log(site.process)
    assert site.post(key=key, headers={"MCP-Protocol-Version": "2025-11-25"}).status_code == 200
    assert site.post(key="wrong").status_code == 401  # by then the first call is over
    assert site.deployment.log(site.process) == before


@pytest.mark.once
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{secret", -32700),
        ('[{"jsonrpc": "2.0", "id": 1, "method": "secret"}]', -32600),
        ('{"id": 1, "method": "secret"}', -32600),
        ('"secret"', -32600),
    ],
)
def test_what_is_no_message_is_refused_without_a_word_of_it(lasting_site, version, body, code):
    site, key = lasting_site
    answer = site.post(body, key=key, headers={"MCP-Protocol-Version": version})
    told = answer.json()
    assert (answer.status_code, told["id"], told["error"]["code"]) == (400, None, code)
    assert "secret" not in answer.text
    assert "pydantic" not in answer.text
