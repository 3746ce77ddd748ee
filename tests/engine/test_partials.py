"""The text of a running call: who sees it, and that nothing of it is left when the call is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tasks import services
from tasks.conf import get_conf
from tasks.engine.call import Caller
from tasks.engine.callers import Callers
from tasks.engine.claim import claim
from tasks.engine.claimed import Answer, Claimed
from tasks.engine.partials import PartialWriter
from tasks.engine.rescue import rescue
from tasks.engine.settle import settle_each
from tasks.engine.verdict import judge, release
from tasks.models import Attempt, Task
from tasks.querysets import database_now
from tasks.services.feeds import Audience, Told
from tasks.services.live import this_loops_pump
from tasks.services.partials import partial_text
from tasks.services.streams import follow
from tasks.vocabulary import REAL_PROVIDERS
from tests.deployment import Deployment, wait_until
from tests.fakes.behaviour import Behaviour, Fault
from tests.fakes.process import FakeProviderProcess
from tests.fakes.provider import FakeProvider
from tests.outbox import settled_events

pytestmark = pytest.mark.django_db(transaction=True)
WRITING = Behaviour(fault=Fault.DRIP_EVENTS, interval_s=0.01)


@pytest.fixture
def fake(settings) -> Iterator[FakeProvider]:
    nothing = {"api_keys": [], "base_url": "", "default_model": "", "models": []}
    with FakeProvider() as server:
        settings.TASKRUNNER_STREAM = True
        settings.TASKRUNNER_PROVIDERS = dict.fromkeys(map(str, REAL_PROVIDERS), nothing) | {
            "openai": nothing | {"api_keys": ["key"], "base_url": server.base_url("openai")}
        }
        yield server


@pytest.fixture
def begin(make_task, fake: FakeProvider) -> Iterator[Callable[..., Claimed]]:
    """A task whose call is under way, its text written down once."""
    begun: list[Claimed] = []

    def make(**fields) -> Claimed:
        fake.script(WRITING)
        make_task(provider="openai", model="gpt-6-luna", **fields)
        (claimed,) = claim(1, "worker").claimed
        begun.append(claimed)
        callers.start(claimed)
        wait_until(lambda: text_of(claimed), 30, "the first text")
        PartialWriter().write([claimed])
        return claimed

    callers = Callers(4, Caller(get_conf()))
    yield make
    for claimed in begun:
        claimed.request.hang_up.order()


def text_of(claimed: Claimed) -> str:
    assert claimed.request.partial is not None
    return claimed.request.partial.text


def task_of(claimed: Claimed) -> Task:
    return Task.objects.get(pk=claimed.task_id)


def kept_texts() -> list[str | None]:
    return list(Attempt.objects.values_list("partial", flat=True))


def test_owner_sees_the_text_in_detail_and_page_and_nobody_else_does(begin, owner, stranger):
    claimed = begin()
    path = f"/api/tasks/{claimed.task_id}/"
    mine, theirs = Client(), Client()
    mine.force_login(owner)
    theirs.force_login(stranger)

    detail = mine.get(path).json()

    assert detail["status"] == "PROCESSING"
    assert detail["partial"].startswith("0 ")
    assert detail["result"] is None
    assert 0 <= detail["attempt_log"][0]["first_token_seconds"] < 10

    page = mine.get(f"/tasks/{claimed.task_id}/part/").text
    assert "Being written" in page
    assert "first text after" in page
    assert theirs.get(path).status_code == 404
    assert theirs.get(f"/tasks/{claimed.task_id}/part/").status_code == 404


def test_text_goes_with_the_end_of_its_call_and_its_first_moment_stays(make_task, fake, owner):
    make_task(provider="openai", model="gpt-6-luna")
    fake.script(Behaviour(text="all of it", latency_s=0.1, pause_s=0.02))
    (claimed,) = claim(1, "worker").claimed
    answer = Caller(get_conf())(claimed)
    PartialWriter().write([claimed])
    assert partial_text(task_of(claimed)) == "all of it"

    settle_each([judge(answer, get_conf(), lambda: 0.5)])

    task, attempt = task_of(claimed), Attempt.objects.get()
    assert (task.status, task.result) == ("COMPLETED", "all of it")
    assert (attempt.partial, partial_text(task)) == (None, None)
    client = Client()
    client.force_login(owner)
    detail = client.get(f"/api/tasks/{task.pk}/").json()
    assert detail["partial"] is None
    assert 0.1 <= detail["attempt_log"][0]["first_token_seconds"] < 5
    assert "first text after" in client.get(f"/tasks/{task.pk}/part/").text


def test_text_of_a_cut_stream_is_no_result(make_task, fake):
    make_task(provider="openai", model="gpt-6-luna", max_attempts=1, failover=False)
    fake.script(Behaviour(fault=Fault.CUT_STREAM))
    (claimed,) = claim(1, "worker").claimed
    answer = Caller(get_conf())(claimed)
    PartialWriter().write([claimed])
    settle_each([judge(answer, get_conf(), lambda: 0.5)])

    task = task_of(claimed)
    assert (task.status, task.result, task.error_code) == ("FAILED", None, "bad_response")
    assert kept_texts() == [None]
    assert Attempt.objects.get().first_token_ms is not None


def _cancel(claimed: Claimed, owner) -> None:
    services.cancel(owner, claimed.task_id)


def _lose(claimed: Claimed, owner) -> None:
    Task.objects.update(lease_expires_at=database_now().replace(year=2000))
    assert rescue() == 1


def _release(claimed: Claimed, owner) -> None:
    settle_each([release(claimed, "leaving")])


@pytest.mark.parametrize("end", [_cancel, _lose, _release])
def test_text_goes_with_whatever_ends_the_call_and_does_not_come_back(begin, owner, end):
    claimed = begin()
    assert partial_text(task_of(claimed))

    end(claimed, owner)
    PartialWriter().write([claimed])  # its thread goes on for a while

    assert partial_text(task_of(claimed)) is None
    assert kept_texts() == [None]


def test_text_of_a_call_whose_lease_is_another_ones_is_not_shown(begin):
    claimed = begin()
    Task.objects.update(lease_token="0" * 32)
    assert partial_text(task_of(claimed)) is None


def test_text_is_written_only_where_it_has_grown(begin, fake):
    claimed, writer = begin(), PartialWriter()
    writer.write([claimed])
    claimed.request.hang_up.order()
    wait_until(lambda: fake.board.in_flight == 0, 30, "the end of the call")
    writer.write([claimed])
    with CaptureQueriesContext(connection) as queries:
        writer.write([claimed])
    assert len(queries) == 0


def test_text_that_no_database_takes_is_mended_before_it_is_written(make_task, fake):
    make_task(provider="openai", model="gpt-6-luna")
    fake.script(Behaviour(text="a\0b\ud800c", pieces=1))
    (claimed,) = claim(1, "worker").claimed
    Caller(get_conf())(claimed)
    PartialWriter().write([claimed])
    assert partial_text(task_of(claimed)) == "a\ufffdb\ufffdc"


def test_nothing_is_streamed_unless_it_is_switched_on(make_task, fake, settings):
    settings.TASKRUNNER_STREAM = False
    make_task(provider="openai", model="gpt-6-luna")
    (claimed,) = claim(1, "worker").claimed
    answer: Answer = Caller(get_conf())(claimed)
    assert "stream" not in fake.received()[0].body
    with CaptureQueriesContext(connection) as queries:
        PartialWriter().write([claimed])
    assert len(queries) == 0
    settle_each([judge(answer, get_conf(), lambda: 0.5)])
    assert Attempt.objects.get().first_token_ms is None


def test_stream_of_events_tells_the_text_as_it_grows(begin):
    claimed, writer = begin(), PartialWriter()
    first = partial_text(task_of(claimed))
    settled_events()  # that it has started is told by the snapshot, not after it

    async def main() -> list[Told]:
        told = []
        async for one in follow(Audience(task_id=claimed.task_id), None):
            told += [one] if one else []
            if len(told) == 3:
                break
            await sync_to_async(writer.write)([claimed])
        await sync_to_async(connections.close_all)()
        await this_loops_pump().on_thread(connections.close_all)
        return told

    async def bounded() -> list[Told]:
        async with asyncio.timeout(20):
            return await main()

    told = asyncio.run(bounded())
    assert [one.kind for one in told] == ["task.snapshot", "task.partial", "task.partial"]
    assert [one.place for one in told] == [None] * 3
    texts = [json.loads(one.data)["partial"] for one in told]
    assert texts[0] == first
    assert texts[2].startswith(texts[1])
    assert len(texts[0]) < len(texts[2])


@pytest.mark.processes
def test_worker_shows_the_text_while_the_provider_writes(deployment: Deployment):
    with FakeProviderProcess() as fake:
        deployment.environment |= fake.environment("openai") | {"TASKRUNNER_STREAM": "true"}
        fake.script(Behaviour(text="one two three four five six", pieces=6, pause_s=0.7))
        assert deployment.manage("submit", "hello", "--provider", "openai").returncode == 0
        cluster = deployment.start("qcluster")

        def seen(column: str, table: str) -> str:
            return deployment.query(f"SELECT {column} FROM tasks_{table}")[0][0] or ""

        wait_until(lambda: deployment.query("SELECT 1 FROM tasks_attempt"), 20, "the call")
        text = wait_until(lambda: seen("partial", "attempt"), 20, "some text")
        assert "one two three four five six".startswith(text), deployment.log(cluster)
        assert seen("status", "task") == "PROCESSING"
        wait_until(lambda: seen("status", "task") == "COMPLETED", 20, "the answer")
        assert seen("result", "task") == "one two three four five six"
        assert seen("partial", "attempt") == ""
        assert 500 < int(seen("first_token_ms", "attempt")) < 10_000
