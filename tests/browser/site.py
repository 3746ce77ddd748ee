"""A running installation with something to look at, and the browser to look with."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.deployment import Deployment, wait_until

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def has_chromium() -> bool:
    return Path(CHROMIUM).is_file()


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def start_web(deployment: Deployment) -> str:
    """The address of a web process that answers."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "taskrunner.asgi:application", "--port", str(port)]
    process = deployment.spawn(command, ALLOWED_HOSTS="127.0.0.1")
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, deployment.log(process)
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/healthz") as reply:
            return reply.status == 200
        return False

    wait_until(answers, what="the web process answers")
    return address


def paint_scenery(deployment: Deployment) -> None:
    """Fill the database with a day's work, see `scenery`."""
    done = deployment.manage("shell", "-c", "from tests.browser.scenery import paint; paint()")
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
