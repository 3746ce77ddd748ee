"""A cluster of real processes over a real provider that counts what reaches it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, prepare_database, template_database
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation
from tests.faults.private_postgres import PrivatePostgres, find_binaries


@pytest.fixture
def provider() -> Iterator[FakeProviderProcess]:
    """OpenAI, as a process that survives what a test kills; answers at once unless told."""
    with FakeProviderProcess() as process:
        yield process


@pytest.fixture
def installation(tmp_path: Path, provider: FakeProviderProcess) -> Iterator[Installation]:
    """A database, the provider configured as `openai`, leases of 2 s; no cluster started yet."""
    with Deployment.create(tmp_path, template_database()) as deployment:
        deployment.environment |= provider.environment("openai") | {
            "TASKRUNNER_LEASE": "2",
            "TASKRUNNER_WORKERS": "2",
            "TASKRUNNER_CONCURRENCY": "16",
            "TASKRUNNER_RETRY_BASE": "0.05",
        }
        yield Installation(deployment=deployment, provider=provider)


@pytest.fixture
def stoppable(
    tmp_path: Path, provider: FakeProviderProcess
) -> Iterator[tuple[Installation, PrivatePostgres]]:
    """An installation whose PostgreSQL server can be stopped, and that server."""
    if find_binaries() is None and not os.environ.get("CI"):
        pytest.skip("no PostgreSQL server programs here: the outage rows are not tested")
    with PrivatePostgres.running() as server:
        prepare_database(server.url)
        with Deployment.over(server.url, tmp_path) as deployment:
            deployment.environment |= provider.environment("openai") | {
                "TASKRUNNER_WORKERS": "2",
                "TASKRUNNER_CONCURRENCY": "32",
            }
            yield Installation(deployment=deployment, provider=provider), server
