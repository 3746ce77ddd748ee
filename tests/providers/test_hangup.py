"""A call that nobody waits for any more is ended from outside, and only that call."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import CallHungUp
from tasks.providers.base import CompletionRequest, ProviderClient
from tests.deployment import wait_until
from tests.fakes.provider import Behaviour, FakeProvider, Fault


def request(prompt: str = "hello") -> CompletionRequest:
    return CompletionRequest(prompt=prompt, model="some-model")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY])
def test_running_call_ends_at_once(fake: FakeProvider, client: ProviderClient, fault: Fault):
    fake.script(Behaviour(fault=fault))
    running = request()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.complete, running, timeout_s=30)
        wait_until(lambda: fake.count() == 1, 30, "the call")
        ordered_at = time.monotonic()
        running.hang_up.order()
        with pytest.raises(CallHungUp):
            call.result(10)
    assert time.monotonic() - ordered_at < 2


def test_call_that_was_hung_up_before_it_began_is_not_made(
    fake: FakeProvider, client: ProviderClient
):
    asked = request()
    asked.hang_up.order()

    with pytest.raises(CallHungUp):
        client.complete(asked, timeout_s=10)
    assert fake.count() == 0


def test_order_after_the_answer_leaves_the_kept_connection_alone(
    fake: FakeProvider, client: ProviderClient
):
    first = request("first")
    client.complete(first, timeout_s=10)
    fake.script(Behaviour(latency_s=0.3))
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(client.complete, request("second"), timeout_s=10)
        wait_until(lambda: fake.count() == 2, 30, "the second call")
        first.hang_up.order()
        assert second.result(10).text
    assert fake.board.connections == 1


def test_others_calls_go_on(fake: FakeProvider, client: ProviderClient):
    fake.script(Behaviour(fault=Fault.HANG), prompt_contains="hung")
    fake.script(Behaviour(latency_s=0.5), prompt_contains="slow", repeat=True)
    hung = request("hung")
    with ThreadPoolExecutor(9) as pool:
        lost = pool.submit(client.complete, hung, timeout_s=30)
        others = [pool.submit(client.complete, request("slow"), timeout_s=10) for _ in range(8)]
        wait_until(lambda: fake.count() == 9, 30, "all calls")
        threading.Thread(target=hung.hang_up.order).start()
        with pytest.raises(CallHungUp):
            lost.result(10)
        assert all(other.result(10).text for other in others)
