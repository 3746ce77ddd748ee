"""What 500 open event streams cost the web process: `.venv/bin/python -m bench.streams`.

A web process on a fresh SQLite database, as many streams as asked for, then two measured spans: one
without events, and one in which tasks are submitted and worked off by a cluster beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from bench.processes import cpu_s
from tests.deployment import Deployment, template_database, wait_until


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=5, help="tasks submitted a second")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Deployment.create(Path(folder), template_database()) as deployment,
    ):
        measure(deployment, options.streams, options.seconds, options.rate)


def measure(deployment: Deployment, streams: int, seconds: float, rate: float) -> None:
    made = deployment.manage("create_api_key", "admin", "--name", "bench", "--scope", "write")
    key = made.stdout.strip()
    leash, _held = os.pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        os.set_inheritable(leash, True)
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "taskrunner.supervisor.web"]
        web = _spawn(deployment, [*command, str(leash), str(listener.fileno())])
    wait_until(lambda: _is_ready(port), 30, "the web process")
    before_mb = _memory_mb(web)
    readers = [_open_stream(port, key) for _ in range(streams)]
    time.sleep(2)
    _report(f"{streams} streams, nothing happens", web, seconds, before_mb)
    deployment.start("qcluster", TASKRUNNER_WORKERS="1")
    over = threading.Event()
    threading.Thread(target=_submit, args=(port, key, rate, over), daemon=True).start()
    heard = [0]
    threading.Thread(target=_read_all, args=(readers, heard, over), daemon=True).start()
    time.sleep(3)
    first = heard[0]
    _report(f"{streams} streams, {rate:g} tasks a second to all", web, seconds, before_mb)
    sys.stdout.write(f"  {(heard[0] - first) / seconds:,.0f} events a second were sent\n")
    over.set()


def _spawn(deployment: Deployment, command: list[str]) -> int:
    return os.posix_spawn(command[0], command, deployment.environment)


def _is_ready(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
    except OSError:
        return False
    return True


def _open_stream(port: int, key: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port))
    head = f"GET /api/events/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    line.sendall(head.encode())
    assert b"200 OK" in line.recv(65536)
    return line


def _submit(port: int, key: str, rate: float, over: threading.Event) -> None:
    body = json.dumps({"prompt": "hello"}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while not over.wait(1 / rate):
        order = urllib.request.Request(f"http://127.0.0.1:{port}/api/tasks/", body, headers)
        urllib.request.urlopen(order, timeout=10).close()


def _read_all(readers: list[socket.socket], heard: list[int], over: threading.Event) -> None:
    import selectors  # noqa: PLC0415

    ears = selectors.DefaultSelector()
    for line in readers:
        ears.register(line, selectors.EVENT_READ)
    while not over.is_set():
        for found, _ in ears.select(0.5):
            heard[0] += found.fileobj.recv(65536).count(b"\ndata: ")  # type: ignore[union-attr]


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def _report(what: str, pid: int, seconds: float, before_mb: float) -> None:
    before_s = cpu_s([pid])
    time.sleep(seconds)
    share = (cpu_s([pid]) - before_s) / seconds * 100
    sys.stdout.write(
        f"{what}: {share:.1f} % of a core, {_memory_mb(pid):.0f} MB ({before_mb:.0f} without)\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
