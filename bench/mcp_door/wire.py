"""The thinnest clients there are, so that what is measured is the server."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

_VERSION = "2025-11-25"
_CLIENT = {"name": "bench", "version": "1"}


class Door(Protocol):
    """A server, and the way into it."""

    process: subprocess.Popen[str]

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]: ...


def call(door: Door, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The structured content. Raises RuntimeError for a refusal."""
    answer = door.ask("tools/call", {"name": tool, "arguments": arguments})
    result: dict[str, Any] = answer.get("result", {"isError": True})
    if result.get("isError"):
        raise RuntimeError(f"{tool}: {answer}")
    content: dict[str, Any] = result["structuredContent"]
    return content


class StdioDoor:
    """The server is our child and speaks in lines. `first_reply_s`: from its start."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._ids = itertools.count(1)
        hello = {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": _CLIENT}
        self.ask("initialize", hello)
        self.first_reply_s = time.perf_counter() - started
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        key = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": key, "method": method, "params": params})
        assert self.process.stdout
        for line in self.process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == key:
                return answer
        raise RuntimeError("the server has left")

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()


class HttpDoor:
    """One kept connection to a server that listens on `port`. The keys take turns, for each may
    make only so many calls a minute."""

    def __init__(
        self, process: subprocess.Popen[str], port: int, keys: Sequence[str], *, modern: bool
    ) -> None:
        self.process = process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._is_modern = modern
        self._used_at = 0.0
        self._ids = itertools.count(1)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28" if modern else _VERSION,
        }
        self._keys = itertools.cycle(keys)

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        headers = {**self._headers, "Authorization": f"Bearer {next(self._keys)}"}
        body = {**params}
        if self._is_modern:
            headers = {**headers, "Mcp-Method": method, "Mcp-Name": str(params.get("name"))}
            body["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": _CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": body}
        if time.monotonic() - self._used_at > 2:
            self._connection.close()  # before the server does, which rests its side after 5 s
        self._used_at = time.monotonic()
        self._connection.request("POST", "/mcp", json.dumps(message), headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            text = text.rpartition("data: ")[2]
        answer: dict[str, Any] = json.loads(text)
        return answer
