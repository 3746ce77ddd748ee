"""Answers in pieces: what every client makes of a stream, whole, broken, wrong or endless."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.errors import (
    BadResponse,
    CallHungUp,
    CallTimedOut,
    ContentFiltered,
    ProviderError,
    QuotaExhausted,
    ServerFailed,
)
from tasks.providers.base import Completion, CompletionRequest, ProviderClient, Usage
from tasks.providers.event_stream import EventLines
from tasks.providers.partial import Partial
from tasks.vocabulary import FinishReason, Provider
from tests.deployment import wait_until
from tests.fakes.provider import Behaviour, FakeProvider, Fault
from tests.providers.conftest import client_for

DEADLINE_S = 0.5
QUOTA = {"error": {"message": "no money left", "code": "insufficient_quota"}}
FILTERED = {"error": {"message": "blocked", "code": "content_filter"}}


def streamed(prompt: str = "hello") -> CompletionRequest:
    return CompletionRequest(prompt=prompt, model="some-model", partial=Partial())


def ask(client: ProviderClient, request: CompletionRequest, timeout_s: float = 10.0) -> Completion:
    return client.complete(request, timeout_s=timeout_s)


def sse(*events: object, status: str = "200 OK", kind: str = "text/event-stream") -> Behaviour:
    """A reply of exactly these events, closed after them."""
    lines = "".join(
        f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in events
    )
    return Behaviour(raw=f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n\r\n{lines}")


def test_text_can_be_seen_while_it_is_being_written(
    fake: FakeProvider, client: ProviderClient
) -> None:
    fake.script(Behaviour(text="one two three four", pieces=4, pause_s=0.1))
    request = streamed()
    assert request.partial is not None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, client, request)
        wait_until(lambda: request.partial and request.partial.text, 30, "the first piece")
        assert "one two three four".startswith(request.partial.text)
        assert not answer.done()
        assert answer.result(10).text == "one two three four"
    assert request.partial.text == "one two three four"


def test_time_to_the_first_text_is_measured_from_the_request(
    fake: FakeProvider, client: ProviderClient
) -> None:
    fake.script(Behaviour(latency_s=0.3, text="slow to begin"))
    request = streamed()
    ask(client, request)
    assert request.partial is not None
    assert 300 <= request.partial.first_ms < 5_000


def test_comments_of_a_waiting_server_are_passed_over(
    fake: FakeProvider, client: ProviderClient
) -> None:
    fake.script(Behaviour(blank_lines=500, text="late"))
    assert ask(client, streamed()).text == "late"


def test_stream_is_read_to_its_end_so_its_connection_is_used_again(
    fake: FakeProvider, client: ProviderClient
) -> None:
    for _ in range(3):
        fake.script(Behaviour(pause_s=0.01))
        ask(client, streamed())
    assert fake.board.connections == 1


def test_server_that_keeps_the_line_open_after_the_end_mark_costs_a_moment(
    fake: FakeProvider,
) -> None:
    end = 'data: {"choices": [{"delta": {"content": "all"}, "finish_reason": "stop"}]}\n\n'
    body = end + "data: [DONE]\n\n"
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n"
    fake.script(Behaviour(raw=head + body))
    begun = time.monotonic()
    assert ask(client_for(fake, Provider.OPENAI), streamed()).text == "all"
    assert time.monotonic() - begun < 5


def test_server_that_knows_no_streams_is_read_whole(
    fake: FakeProvider, provider: Provider, client: ProviderClient
) -> None:
    with FakeProvider() as other:  # what it says to one that asks for no stream
        plain = CompletionRequest(prompt="hello", model="some-model")
        client_for(other, provider).complete(plain, timeout_s=5)
    body = {
        "choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}],
        "content": [{"type": "text", "text": "whole"}],
        "stop_reason": "end_turn",
    }
    fake.script(Behaviour(body=body))
    request = streamed()
    assert ask(client, request).text == "whole"
    assert request.partial is not None
    assert request.partial.first_ms is None


@pytest.mark.parametrize("fault", [Fault.CUT_STREAM, Fault.TRUNCATE])
def test_stream_without_its_end_mark_is_no_answer(
    fake: FakeProvider, client: ProviderClient, fault: Fault
) -> None:
    fake.script(Behaviour(fault=fault), repeat=True)
    with pytest.raises(BadResponse) as caught:
        ask(client, streamed())
    assert caught.value.is_retryable
    assert caught.value.may_be_billed
    assert fake.count() == 1


def test_error_event_is_the_same_error_as_in_a_body(
    fake: FakeProvider, client: ProviderClient
) -> None:
    for body, kind in [(None, ServerFailed), (QUOTA, QuotaExhausted), (FILTERED, ContentFiltered)]:
        fake.script(Behaviour(fault=Fault.ERROR_EVENT, body=body))
        with pytest.raises(kind) as caught:
            ask(client, streamed())
        assert caught.value.request_id.startswith("req-")
    assert "blocked" in str(caught.value)


@pytest.mark.parametrize("fault", [Fault.DRIP_EVENTS, Fault.HANG, Fault.DRIP_BLANK_LINES])
def test_stream_without_end_is_ended_at_the_total_deadline(
    fake: FakeProvider, client: ProviderClient, fault: Fault
) -> None:
    fake.script(Behaviour(fault=fault, interval_s=0.05))
    begun = time.monotonic()
    with pytest.raises(CallTimedOut):
        ask(client, streamed(), DEADLINE_S)
    assert DEADLINE_S <= time.monotonic() - begun < DEADLINE_S + 4


def test_stream_of_a_cancelled_task_is_hung_up(fake: FakeProvider, client: ProviderClient) -> None:
    fake.script(Behaviour(fault=Fault.DRIP_EVENTS, interval_s=0.01))
    request = streamed()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(ask, client, request, 30)
        wait_until(lambda: request.partial and request.partial.chars > 10, 30, "some text")
        threading.Thread(target=request.hang_up.order).start()
        with pytest.raises(CallHungUp):
            call.result(10)


def test_usage_that_never_came_is_none(fake: FakeProvider, client: ProviderClient) -> None:
    fake.script(Behaviour(has_usage=False))
    assert ask(client, streamed()).usage is None


def test_anthropics_counts_at_the_end_are_totals_over_those_at_the_start(
    fake: FakeProvider,
) -> None:
    start = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
    fake.script(
        sse(
            {"type": "message_start", "message": {"model": "m", "usage": start}},
            {"type": "content_block_start", "content_block": {"type": "thinking"}},
            {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "…"}},
            {"type": "content_block_start", "content_block": {"type": "text", "text": "Bon"}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "jour"}},
            {"type": "a_kind_of_tomorrow", "index": 7},
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens"},
             "usage": {"output_tokens": 9, "cache_read_input_tokens": None}},
            {"type": "message_stop"},
        )
    )  # fmt: skip
    answer = ask(client_for(fake, Provider.ANTHROPIC), streamed())
    assert (answer.text, answer.finish_reason) == ("Bonjour", FinishReason.LENGTH)
    assert answer.usage == Usage(prompt_tokens=15, completion_tokens=9, cached_tokens=5)


def test_openais_refusal_in_pieces_is_a_refusal_and_no_text(fake: FakeProvider) -> None:
    pieces = [{"choices": [{"delta": {"refusal": word}}]} for word in ("I can", "not.")]
    fake.script(sse(*pieces, {"choices": [{"delta": {}, "finish_reason": "stop"}]}, "[DONE]"))
    request = streamed()
    with pytest.raises(ContentFiltered, match="I cannot"):
        ask(client_for(fake, Provider.OPENAI), request)
    assert request.partial is not None
    assert request.partial.text == ""


def test_reasoning_is_no_part_of_the_text(fake: FakeProvider) -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "hm", "content": None}}]}
    said = {"choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]}
    fake.script(sse(thought, said, "[DONE]"))
    assert ask(client_for(fake, Provider.DEEPSEEK), streamed()).text == "Yes."


def test_letter_cut_in_two_by_the_stream_is_whole_in_the_answer(fake: FakeProvider) -> None:
    halves = ['{"choices": [{"delta": {"content": "\\ud83c"}}]}',
              '{"choices": [{"delta": {"content": "\\udf89"}}]}']  # fmt: skip
    fake.script(sse(*halves, "[DONE]"))
    assert ask(client_for(fake, Provider.OPENAI), streamed()).text == "🎉"


@pytest.mark.parametrize(
    "event",
    ["no json", "[]", "7", "null", '"text"', "[" * 100_000, '{"choices": 7}', "[DONE]",
     '{"choices": [{"delta": {"content": 7}}]}', '{"type": "content_block_delta", "delta": []}',
     '{"type": "message_start", "message": 7}', '{"error": []}', '{"choices": {"a": 1}}'],
)  # fmt: skip
def test_event_that_makes_no_sense_is_a_classed_error(
    fake: FakeProvider, client: ProviderClient, event: str
) -> None:
    fake.script(sse(event, "[DONE]", {"type": "message_stop"}))
    with pytest.raises(ProviderError):
        ask(client, streamed(), 5)


def test_key_in_an_event_does_not_come_out(fake: FakeProvider, provider: Provider) -> None:
    key = "sk-secret-of-many-letters"
    fake.script(sse({"error": {"message": f"bad key {key}"}}), sse(f"junk {key}"))
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            ask(client_for(fake, provider, key), streamed())
        assert key not in f"{caught.value} {caught.value.args}"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_events_are_found_however_the_bytes_are_cut(size: int) -> None:
    raw = (
        b": hello\r\nevent: x\r\ndata: one\r\n\r\ndata:two\ndata: lines\n\n\n\nid: 7\n\n"
        b"data\n\ndata:  padded\n\nretry: 5\ndata: last"
    )
    lines = EventLines()
    found = [data for at in range(0, len(raw), size) for data in lines.feed(raw[at : at + size])]
    found += lines.flush()
    assert found == [b"one", b"two\nlines", b"", b" padded", b"last"]
