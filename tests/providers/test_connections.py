"""Kept connections: shared by threads, replaced when stale, never resent on, not forked."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tasks.errors import ConnectionFailed, ProviderError
from tasks.providers import deadline
from tasks.providers.base import CompletionRequest, ProviderClient, ProviderSettings
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider
from tests.fakes.provider import Behaviour, FakeProvider, Fault
from tests.providers.conftest import KEY, Ask, client_for

THREADS = 100


def test_a_connection_is_kept_for_the_next_call(fake: FakeProvider, ask: Ask) -> None:
    for _ in range(5):
        ask()
    assert fake.board.connections == 1


@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_keeps_the_connection_too(fake: FakeProvider, ask: Ask, status: int) -> None:
    fake.script(Behaviour(status=status))
    with pytest.raises(ProviderError, match="scripted"):
        ask()
    ask()
    assert fake.board.connections == 1


def test_a_connection_that_the_server_closed_while_idle_is_replaced_unnoticed(
    fake: FakeProvider, ask: Ask
) -> None:
    fake.script(Behaviour(then_close=True), repeat=True)
    for number in range(5):
        assert ask(str(number)).text == f"Answer to: {number}"
        _wait_for_no_connection(fake)
    assert fake.count() == 5
    assert fake.board.connections == 5


def test_a_request_that_may_have_been_read_is_never_resent(fake: FakeProvider, ask: Ask) -> None:
    fake.script(Behaviour(), Behaviour(fault=Fault.CLOSE), Behaviour())
    ask("first")
    with pytest.raises(ConnectionFailed):
        ask("second")
    assert fake.count(prompt="second") == 1


def test_a_kept_connection_that_breaks_before_the_request_is_out_is_replaced(
    fake: FakeProvider, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race in which the close arrives between the look at the connection and the sending."""
    ask("first")
    breaks = iter([True])
    whole = deadline._Deadlined.sendall

    def sendall(sock: deadline._Deadlined, data: bytes) -> None:
        if next(breaks, False):
            sock.shutdown(socket.SHUT_RDWR)
        whole(sock, data)

    monkeypatch.setattr(deadline._Deadlined, "sendall", sendall)
    assert ask("second").text == "Answer to: second"
    assert fake.count(prompt="second") == 1


def test_a_fresh_connection_that_breaks_while_sending_is_not_tried_again(
    fake: FakeProvider, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    whole = deadline._Deadlined.sendall

    def sendall(sock: deadline._Deadlined, data: bytes) -> None:
        tries.append(len(data))
        sock.shutdown(socket.SHUT_RDWR)
        whole(sock, data)

    monkeypatch.setattr(deadline._Deadlined, "sendall", sendall)
    with pytest.raises(ConnectionFailed):
        ask()
    assert len(tries) == 1


def test_a_connection_idle_for_long_is_not_used_again(
    fake: FakeProvider, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline._Connection, "idle_limit_s", 0.0)
    ask()
    ask()
    assert fake.board.connections == 2


def test_a_hundred_threads_share_one_client_and_get_their_own_answers(
    provider: Provider,
) -> None:
    with FakeProvider(latency_s=0.3) as fake:
        settings = ProviderSettings(
            name=provider, api_keys=(KEY,), base_url=fake.base_url(provider), pool_size=THREADS
        )
        client = build_client(settings)

        def one(number: int) -> str:
            request = CompletionRequest(prompt=f"prompt {number}", model="m")
            return client.complete(request, timeout_s=20).text

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(one, range(3 * THREADS)))
        assert answers == [f"Answer to: prompt {number}" for number in range(3 * THREADS)]
        assert fake.max_in_flight > THREADS // 2
        assert fake.board.connections < 2 * THREADS  # of 300 calls: they are used again
        assert fake.count() == 3 * THREADS


def test_one_thread_that_hangs_does_not_hold_up_the_others(fake: FakeProvider) -> None:
    fake.script(Behaviour(fault=Fault.DRIP_BODY, interval_s=0.02), prompt_contains="slow")
    client = client_for(fake, Provider.OPENAI)
    errors: list[ProviderError] = []

    def slow() -> None:
        try:
            client.complete(CompletionRequest(prompt="slow", model="m"), timeout_s=1)
        except ProviderError as error:
            errors.append(error)

    thread = threading.Thread(target=slow)
    thread.start()
    for number in range(20):
        client.complete(CompletionRequest(prompt=str(number), model="m"), timeout_s=5)
    assert not errors
    thread.join(5)
    assert [type(error).__name__ for error in errors] == ["CallTimedOut"]


def test_a_fork_leaves_the_parents_connections_alone(fake: FakeProvider) -> None:
    client = client_for(fake, Provider.OPENAI)
    client.complete(CompletionRequest(prompt="before", model="m"), timeout_s=5)
    assert _answers_in_a_fork(client, 5) == 5
    after = client.complete(CompletionRequest(prompt="after", model="m"), timeout_s=5)
    assert after.text == "Answer to: after"
    by_prompt = {record.prompt: record.connection for record in fake.received()}
    assert by_prompt["before"] == by_prompt["after"] == 1
    assert by_prompt["child 0"] == by_prompt["child 4"] == 2


def test_deadlines_hold_in_a_fork_too(fake: FakeProvider) -> None:
    fake.script(Behaviour(fault=Fault.DRIP_HEAD, interval_s=0.05))
    client = client_for(fake, Provider.OPENAI)
    assert _answers_in_a_fork(client, 2) == 1


def _answers_in_a_fork(client: ProviderClient, calls: int) -> int:
    """How many of so many calls were answered in a forked child."""
    pid = os.fork()
    if pid == 0:
        answered = 0
        for number in range(calls):
            request = CompletionRequest(prompt=f"child {number}", model="m")
            with suppress(ProviderError):
                client.complete(request, timeout_s=1)
                answered += 1
        os._exit(answered)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _wait_for_no_connection(fake: FakeProvider) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if not fake.board.transports:
            return
        waiting.wait(0.01)
    raise AssertionError("the server kept its connection open")
