"""The web process as an operator starts it, and a client that submits through it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import requests

from tests.deployment import wait_until
from tests.faults.installation import Installation

_LISTENING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")
_COMMAND = [sys.executable, "-m", "uvicorn", "taskrunner.asgi:application", "--port", "0"]


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    body: Any

    @property
    def is_accepted(self) -> bool:
        return self.status == 201


@dataclass(frozen=True, kw_only=True)
class Web:
    """A web process that listens. `key` may write."""

    url: str
    key: str
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, installation: Installation, key: str) -> Web:
        deployment = installation.deployment
        process = deployment.spawn(_COMMAND)
        said = wait_until(
            lambda: _LISTENING.search(deployment.log(process)) or process.poll() is not None,
            40, "uvicorn listens",
        )  # fmt: skip
        assert isinstance(said, re.Match), deployment.log(process)
        return cls(url=said.group(1), key=key, process=process)

    def submit(self, prompt: str, *, timeout_s: float = 30) -> Reply | None:
        """The answer to a submit whose idempotency key is its prompt; None if none came."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": prompt}
        fields = {"prompt": prompt, "provider": "openai"}
        try:
            reply = requests.post(
                f"{self.url}/api/tasks/", json=fields, headers=headers, timeout=timeout_s
            )
        except requests.RequestException:
            return None
        return Reply(status=reply.status_code, body=reply.json())


def create_key(installation: Installation) -> str:
    """A key of `admin` that may write."""
    made = installation.deployment.manage(
        "create_api_key", "admin", "--name", "faults", "--scope", "write"
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
