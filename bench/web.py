"""A web process as `./run` starts one, for benchmarks that speak HTTP."""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from dataclasses import dataclass

from bench.installation import start_probe
from tests.deployment import Deployment, wait_until

_START_S = 30


@dataclass(frozen=True, kw_only=True)
class Web:
    """Where it listens, and its process."""

    port: int
    pid: int


def start_web(deployment: Deployment) -> Web:
    """It ends with the deployment."""
    return _serve(deployment, "taskrunner.supervisor.web")


def start_minimal(deployment: Deployment) -> Web:
    """DRF's smallest views on the same server and the same database: `bench.minimal`."""
    return _serve(deployment, "bench.minimal.web", DJANGO_SETTINGS_MODULE="bench.minimal.settings")


def make_keys(deployment: Deployment, count: int, user: str = "admin") -> list[str]:
    """API keys that may write. Several, for one may make only so many calls a minute."""
    with start_probe(deployment, "keys") as keys:
        made: list[str] = keys.ask(user=user, count=count)
    return made


def _serve(deployment: Deployment, module: str, **environment: str) -> Web:
    leash, _held = os.pipe()  # its writing end stays open for as long as this process lives
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        handed = (leash, listener.fileno())
        command = [sys.executable, "-m", module, *map(str, handed)]
        process = deployment.spawn(command, pass_fds=handed, **environment)
    os.close(leash)
    wait_until(lambda: _is_ready(port), _START_S, f"{module} answers")
    return Web(port=port, pid=process.pid)


def _is_ready(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
    except OSError:
        return False
    return True
