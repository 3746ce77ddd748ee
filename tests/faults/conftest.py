"""A cluster of real processes over a real provider that counts what reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, template_database
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation


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
