"""Bodies too big or too deep are refused early, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.fakes.behaviour import Behaviour, Fault
from tests.fakes.process import PROJECT, FakeProviderProcess

MEGABYTE = 1024 * 1024

CALL = """
import json, re, sys
from pathlib import Path
from tasks.errors import ProviderError
from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.partial import Partial
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider

def peak_kb():  # not getrusage: its peak is inherited from the parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

client = build_client(
    ProviderSettings(name=Provider.OPENAI, api_keys=("sk-test",), base_url=sys.argv[1])
)
client.complete(CompletionRequest(prompt="warm", model="m"), timeout_s=20)
before = peak_kb()
try:
    partial = Partial() if "streamed" in sys.argv else None
    flood = CompletionRequest(prompt="flood", model="m", partial=partial)
    client.complete(flood, timeout_s=20)
    code = "answered"
except ProviderError as error:
    code = error.code
after = peak_kb()
print(json.dumps({"code": code, "grown_kb": after - before}))
"""


@pytest.mark.processes
@pytest.mark.parametrize("status", [200, 307, 500])
@pytest.mark.parametrize(
    ("fault", "size"),
    [
        (Fault.GZIP_BOMB, 256 * MEGABYTE),
        (Fault.HUGE_BODY, 256 * MEGABYTE),
        (Fault.DEEP_JSON, 100_000),
    ],
)
def test_a_flood_is_refused_in_little_memory(fault: Fault, size: int, status: int) -> None:
    flood = Behaviour(fault=fault, size=size, status=status, headers={"location": "/elsewhere"})
    assert _outcome(flood) in ("bad_response", "request_refused", "server_error")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("fault", "size"),
    [
        (Fault.GZIP_BOMB, 256 * MEGABYTE),  # one event that never ends
        (Fault.HUGE_BODY, 256 * MEGABYTE),
        (Fault.HUGE_STREAM, 5),  # an answer that never ends, in small pieces and in big ones
        (Fault.HUGE_STREAM, 100_000),
    ],
)
def test_a_flood_of_events_is_refused_in_little_memory(fault: Fault, size: int) -> None:
    flood = Behaviour(fault=fault, size=size, headers={"content-type": "text/event-stream"})
    assert _outcome(flood, "streamed") in ("bad_response", "timeout")


def _outcome(flood: Behaviour, *arguments: str) -> str:
    """How a call into this flood ended, in a process of its own that did not grow by 50 MB."""
    with FakeProviderProcess() as fake:
        fake.script(flood, prompt_contains="flood")
        ran = subprocess.run(
            [sys.executable, "-c", CALL, fake.base_url("openai"), *arguments],
            cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    report = json.loads(ran.stdout)
    assert report["grown_kb"] < 50 * 1024
    return str(report["code"])
