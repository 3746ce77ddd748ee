"""The fake provider as a process of its own, which survives what a test kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.answers import BASE_PATHS
from tests.fakes.behaviour import Behaviour

PROJECT = Path(__file__).parents[2]


class FakeProviderProcess:
    """Start the server as a process, script it and read its counts over HTTP."""

    url: str
    process: subprocess.Popen[str]

    def __init__(self, *, latency_s: float = 0.0, port: int = 0, host: str = "127.0.0.1") -> None:
        self.command = [sys.executable, "-m", "tests.fakes.provider"]
        self.command += ["--port", str(port), "--latency", str(latency_s)]
        self.command += ["--host", host]
        self.command += ["--parent", str(os.getpid())]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the fake provider did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()

    def base_url(self, provider: str) -> str:
        """The base URL under which this server is that provider."""
        return self.url + BASE_PATHS[provider]

    def environment(self, *providers: str) -> dict[str, str]:
        """The variables that point these providers (all four if none is named) at this server."""
        found: dict[str, str] = {}
        for provider in providers or BASE_PATHS:
            found[f"{provider.upper()}_BASE_URL"] = self.base_url(provider)
            found[f"{provider.upper()}_API_KEY"] = f"test-key-of-{provider}"
        return found

    def script(
        self,
        *behaviours: Behaviour,
        provider: str = "",
        prompt_contains: str = "",
        model: str = "",
        key: str = "",
        repeat: bool = False,
    ) -> None:
        """As FakeProvider.script."""
        rule = {
            "provider": provider,
            "prompt_contains": prompt_contains,
            "model": model,
            "key": key,
        }
        listed = [asdict(one) for one in behaviours]
        self._ask("script", {**rule, "repeat": repeat, "behaviours": listed})

    def set_latency(self, latency_s: float) -> None:
        """Seconds before each answer from now on."""
        self._ask("latency", {"latency_s": latency_s})

    def hold(self) -> None:
        """Receive requests and answer none, so that what has to happen meanwhile has all the time
        that it needs on a busy machine."""
        self._ask("hold", {})

    def release(self) -> None:
        """Answer what was held, and go on."""
        self._ask("release", {})

    def reset(self) -> None:
        """Forget rules and log."""
        self._ask("reset", {})

    def log(self) -> dict[str, Any]:
        """`count, connections, in_flight, max_in_flight, by_prompt, by_provider, requests`."""
        return self._ask("log")

    def counts(self) -> dict[str, Any]:
        """The log without its requests: cheap enough to poll."""
        return self._ask("log?counts")

    def count(self, *, prompt: str = "") -> int:
        """Requests so far, or those with exactly this prompt."""
        counts = self.counts()
        return int(counts["by_prompt"].get(prompt, 0) if prompt else counts["count"])

    def _ask(self, name: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{name}", data=data)
        with urllib.request.urlopen(request, timeout=10) as reply:
            answer: dict[str, Any] = json.load(reply)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer
