"""Server-sent events: who may listen, what a stream says, and that it ends with the server."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import AsyncClient
from django.utils import timezone

from tasks.models import ApiKey, Event
from tasks.services.api_keys import create_api_key, revoke_api_key
from tasks.services.live import this_loops_pump
from tasks.vocabulary import Scope
from tests.api.conftest import error_of
from tests.deployment import wait_until
from tests.outbox import settled_events


@pytest.fixture
def listen(api):
    """The answer of a stream that ends: its status, its headers, and its messages."""

    async def get(address: str, headers: dict[str, str]) -> tuple[Any, list[dict[str, str]]]:
        headers |= {"authorization": api._credentials["HTTP_AUTHORIZATION"]}
        response = await AsyncClient().get(address, headers=headers)
        if not response.streaming:
            return response, []
        text = b"".join([part async for part in response.streaming_content]).decode()
        await this_loops_pump().on_thread(connections.close_all)
        await sync_to_async(connections.close_all)()
        blocks = text.split("\n\n")
        fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
        return response, [field for field in fields if "data" in field]

    return lambda address, **headers: asyncio.run(get(address, headers))


@pytest.mark.django_db(transaction=True)
def test_an_ended_task_is_told_and_then_there_is_nothing_more(api, make_task, listen):
    task = make_task(metadata={"line": "a\nb"})
    api.post(f"/api/tasks/{task.pk}/cancel/")
    settled_events()
    address = f"/api/tasks/{task.pk}/events/"

    response, (message,) = listen(address, accept="text/event-stream")

    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")
    told = json.loads(message["data"])
    shown = api.get(f"/api/tasks/{task.pk}/").json()
    assert message["event"] == told.pop("type") == "task.cancelled"
    assert told.pop("at") == shown["finished_at"]
    assert told == {name: shown[name] for name in told}
    assert listen(address, **{"last-event-id": message["id"]})[0].status_code == 204
    _, replayed = listen(address, **{"last-event-id": "0"})
    assert [one["event"] for one in replayed] == ["task.submitted", "task.cancelled"]


@pytest.mark.django_db(transaction=True)
def test_a_task_whose_events_are_gone_still_tells_its_end(api, make_task, listen):
    task = make_task(set_to={"status": "FAILED", "error_code": "expired"})
    Event.objects.all().delete()

    _, (message,) = listen(f"/api/tasks/{task.pk}/events/", **{"last-event-id": "0"})

    assert message["event"] == "task.failed"


RUINS = {
    "user switched off": lambda key: get_user_model().objects.update(is_active=False),
    "rights taken away": lambda key: get_user_model().objects.update(is_staff=True),
    "key revoked": revoke_api_key,
    "key expired": lambda key: ApiKey.objects.update(expires_at=timezone.now()),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ruin", RUINS.values(), ids=RUINS)
def test_a_stream_ends_with_the_right_to_read_it(owner, make_task, monkeypatch, ruin):
    monkeypatch.setattr("tasks.api.views.events.ASK_AGAIN_S", 0.0)
    row, key = create_api_key(owner, name="ears", scope=Scope.READ)
    make_task(prompt="while it may be heard")

    async def listen() -> str:
        headers = {"authorization": f"Bearer {key}", "last-event-id": "0"}
        response = await AsyncClient().get("/api/events/", headers=headers)
        parts = aiter(response.streaming_content)
        heard = await anext(parts) + await anext(parts)
        await sync_to_async(ruin)(row)
        await sync_to_async(make_task)(prompt="too late")
        heard += b"".join([part async for part in parts])
        await this_loops_pump().on_thread(connections.close_all)
        await sync_to_async(connections.close_all)()
        return heard.decode()

    heard = asyncio.run(asyncio.wait_for(listen(), 20))
    assert heard.count("event: task.submitted") == 1


@pytest.mark.parametrize("address", ["/api/events/", "/api/tasks/1/events/"])
def test_strangers_hear_nothing(client, db, address):
    error_of(client.get(address), 401)


def test_somebody_elses_task_does_not_exist(stranger_api, make_task):
    error_of(stranger_api.get(f"/api/tasks/{make_task().pk}/events/"), 404)


@pytest.mark.parametrize("seen", ["latest", "-1", "1-2-3", "9" * 50])
def test_an_id_that_no_stream_sent_is_refused(api, seen):
    error = error_of(api.get("/api/events/", headers={"Last-Event-ID": seen}), 400)
    assert list(error["fields"]) == ["Last-Event-ID"]


def test_streams_are_only_read(api):
    assert api.head("/api/events/").status_code == 200
    error_of(api.post("/api/events/", {}), 405)
    error_of(api.get("/api/events/?since=1"), 400)


@pytest.mark.processes
def test_live_events_arrive_and_the_server_stops_at_once(deployment):
    """As `./run` serves it: a task's way is heard live, and an open stream holds up no stop."""
    key = deployment.manage("create_api_key", "admin", "--name", "t", "--scope", "write").stdout
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        leash, held = os.pipe()
        log = (deployment.folder / "web.log").open("w")
        web = subprocess.Popen(
            [sys.executable, "-m", "taskrunner.supervisor.web", str(leash), str(listener.fileno())],
            pass_fds=(leash, listener.fileno()), env=deployment.environment, stderr=log, stdout=log,
        )  # fmt: skip
    deployment.processes.append(web)
    deployment.start("qcluster", TASKRUNNER_WORKERS="1")
    headers = {"Authorization": f"Bearer {key.strip()}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as everything:
        everything.request("GET", "/api/events/", headers=headers)
        stream = everything.getresponse()
        assert stream.readline() == b"retry: 2000\n"
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as other:
            other.request("POST", "/api/tasks/", json.dumps({"prompt": "hello"}), headers)
            task = json.loads(other.getresponse().read())["id"]
        heard = []
        while "event: task.completed\n" not in heard:
            heard.append(stream.readline().decode())
        data = json.loads(stream.readline().decode().removeprefix("data: "))
        assert (data["id"], data["status"]) == (task, "COMPLETED")
        assert [line for line in heard if line.startswith("event:")] == [
            "event: task.submitted\n", "event: task.started\n", "event: task.completed\n",
        ]  # fmt: skip
        started = time.monotonic()
        web.send_signal(signal.SIGTERM)
        assert stream.read().strip() == b""
        wait_until(lambda: web.poll() is not None, 30, "the web process is gone")
    assert time.monotonic() - started < 2.5  # uvicorn's own patience with open streams is 3 s
    os.close(held)
    assert "rror" not in (deployment.folder / "web.log").read_text()
