"""`runmcp` as a child, spoken to in raw lines; every byte that it writes is kept."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from typing import Any

from tests.deployment import ROOT, Deployment

INITIALIZE = {
    "jsonrpc": "2.0", "id": 0, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {},
               "clientInfo": {"name": "wire", "version": "1"}},
}  # fmt: skip
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Wire:
    """The process, and its lines of stdout as they come. stderr goes to a file."""

    def __init__(self, deployment: Deployment, *options: str, **environment: str) -> None:
        self.errors = deployment.folder / "runmcp.err"
        self.lines: list[str] = []
        self._answers: queue.Queue[str] = queue.Queue()
        with self.errors.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runmcp", *options], cwd=ROOT, text=True,
                env=deployment.environment | environment, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        deployment.processes.append(self.process)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            self._answers.put(line)

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        assert self.process.stdin
        data = json.dumps(message) if isinstance(message, dict) else message
        data = data.encode() if isinstance(data, str) else data
        self.process.stdin.buffer.write(data + b"\n")
        self.process.stdin.buffer.flush()

    def receive(self, timeout_s: float = 20) -> dict[str, Any]:
        """The next message. Fails if it is none, or does not come in time."""
        message: dict[str, Any] = json.loads(self._answers.get(timeout=timeout_s))
        assert message["jsonrpc"] == "2.0"
        return message

    def ask(self, method: str, request_id: int = 1, **params: Any) -> dict[str, Any]:
        """The answer to one request; other messages before it are passed over."""
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        while (answer := self.receive()).get("id") != request_id:
            pass
        return answer

    def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        answer = self.ask("tools/call", 7, name=tool, arguments=arguments)
        result: dict[str, Any] = answer["result"]
        return result

    def shake_hands(self) -> None:
        self.send(INITIALIZE)
        assert self.receive()["result"]["protocolVersion"] == "2025-11-25"
        self.send(INITIALIZED)

    def end(self, timeout_s: float = 20) -> int:
        """The exit code; afterwards `lines` holds all that was ever written."""
        code = self.process.wait(timeout_s)
        self._reader.join(20)
        return code
