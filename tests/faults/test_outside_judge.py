"""llmock, a judge that is not ours: it breaks calls at random and tells how the client behaved."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation, free_port

pytestmark = pytest.mark.processes

LLMOCK = str(Path(sys.executable).with_name("llmock"))
CHAOS = ["--error-rate", "429=0.2", "--error-rate", "503=0.1", "--latency-ms", "20"]
TASKS = 250  # for each of two protocols


@pytest.fixture
def judge(deployment: Deployment) -> Iterator[str]:
    """The address of a `llmock serve` that refuses three calls in ten."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = deployment.spawn(
        [LLMOCK, "serve", "--port", str(port), "--log-level", "error", "--response-style", "echo",
         *CHAOS]
    )  # fmt: skip
    wait_until(lambda: is_listening(url) or server.poll() is not None, 20, "llmock listens")
    assert server.poll() is None, deployment.log(server)
    yield url
    server.terminate()
    server.wait(10)


def is_listening(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/_llmock/verdict", timeout=2).close()
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


@pytest.fixture
def judged(deployment: Deployment, judge: str) -> Installation:
    """Two protocols, each asked at the judge alone: no failover, so that every retry is its own."""
    deployment.environment |= {
        "OPENAI_API_KEY": "test-key", "OPENAI_BASE_URL": f"{judge}/v1",
        "ANTHROPIC_API_KEY": "test-key", "ANTHROPIC_BASE_URL": f"{judge}/anthropic",
        "TASKRUNNER_FAILOVER": "",
        "TASKRUNNER_WORKERS": "2", "TASKRUNNER_CONCURRENCY": "256",
        "TASKRUNNER_MAX_ATTEMPTS": "10",
    }  # fmt: skip
    return Installation(deployment=deployment, provider=FakeProviderProcess())


def test_an_outside_judge_finds_no_fault_with_500_tasks_of_which_none_is_lost(
    judged: Installation, judge: str
) -> None:
    for provider in ("openai", "anthropic"):
        judged.submit(*(f"{provider} {n}" for n in range(TASKS)), provider=provider)
    judged.start_cluster()

    statuses = judged.wait_for_end(timeout_s=150)

    verdict = subprocess.run(
        [LLMOCK, "report", "--url", judge, "--strict", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert verdict.returncode == 0, verdict.stdout
    told = json.loads(verdict.stdout)
    assert statuses == {"COMPLETED": 2 * TASKS}
    assert told["calls"] == 2 * TASKS, told
    assert told["faults_injected"] > TASKS / 4  # else it proved nothing
    rows = judged.deployment.query("SELECT prompt, result FROM tasks_task")
    assert [prompt for prompt, result in rows if prompt not in result] == []
