"""The protocol's own conformance suites, on the product's HTTP door."""

from __future__ import annotations

import socket
import sys

import pytest
import requests

from tests.deployment import wait_until
from tests.mcp_bridge.clients import require_clients
from tests.mcp_bridge.conformance import judge

# The suites judge the protocol; what its calls do to rows is told by the other tests.
pytestmark = [pytest.mark.processes, pytest.mark.once]


@pytest.fixture
def start(deployment):
    """Starts the door for a judge without a key; the address."""
    require_clients("MCP conformance suites")
    made = deployment.manage("create_api_key", "admin", "--name", "judge", "--scope", "write")

    def start(*options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        module = "tests.mcp_bridge.conformance.server"
        deployment.spawn([sys.executable, "-m", module, made.stdout.strip(), str(port), *options])
        url = f"http://127.0.0.1:{port}/mcp"
        wait_until(lambda: _answers(url), 30, "the server answers")
        return url

    return start


def _answers(url):
    try:
        return requests.get(url, timeout=5).status_code == 405
    except requests.ConnectionError:
        return False


def test_every_scenario_for_any_server_passes_on_the_bare_product(start, tmp_path):
    url = start()
    ran = {}
    for suite in judge.SUITES:
        ran |= {
            (suite, scenario): failures
            for scenario, failures in judge.failures_of(suite, url, tmp_path / suite).items()
            if scenario in judge.GENERIC
        }
    assert {scenario for _, scenario in ran} == judge.GENERIC
    assert {scenario: failures for scenario, failures in ran.items() if failures} == {}


def test_with_the_fixtures_what_applies_passes_and_nothing_else_is_left_out(
    deployment, start, tmp_path
):
    deployment.start("qcluster", TASKRUNNER_WORKERS="1")
    url = start("--fixtures")
    used, failed = set(), {}
    for suite in judge.SUITES:
        outcome = judge.failures_of(suite, url, tmp_path / suite)
        assert len(outcome) > 25
        for scenario, checks in outcome.items():
            for check, reason in checks.items():
                known = {scenario, f"{scenario}/{check}"} & set(judge.NOT_APPLICABLE)
                used |= known
                if not known:
                    failed[f"{scenario}/{check}"] = reason
    assert failed == {}
    assert set(judge.NOT_APPLICABLE) - used == set()
