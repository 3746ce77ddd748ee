"""A scripted LLM provider on 127.0.0.1: real sockets, the shapes of OpenAI, DeepSeek and Anthropic.

In a test's own process (the server runs on its own thread):

    with FakeProvider(latency_s=0.0) as fake:
        fake.base_url("openai")                        # what OPENAI_BASE_URL should be
        fake.script(Behaviour(status=429, headers={"retry-after": "2"}), Behaviour())
        fake.script(Behaviour(fault=Fault.HANG), provider="deepseek", prompt_contains="slow",
                    repeat=True)
        ...
        fake.count(), fake.count(prompt="hello"), fake.received(provider="openai")[0].headers
        fake.max_in_flight

As a process, for tests that kill things (`FakeProviderProcess` in process.py wraps this):

    python -m tests.fakes.provider --port 0 --latency 1.0   # prints http://127.0.0.1:PORT
    GET  /_control/log            counts, by_prompt, by_provider, every request
    GET  /_control/log?counts     the same without the requests
    POST /_control/script         {"behaviours": [{"status": 500}], "provider": "openai",
                                   "prompt_contains": "", "model": "", "repeat": false}
    POST /_control/default        {"latency_s": 0.2}  a behaviour for all that no rule decides
    POST /_control/latency        {"latency_s": 0.5}
    POST /_control/hold           {}   no answer goes out …
    POST /_control/release        {}   … until here
    POST /_control/reset          {}

A request takes the first behaviour left in the newest rule that matches it; without one it gets a
proper answer, "Answer to: PROMPT". What a behaviour can do stands in behaviour.py.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
import sys
import threading
from types import TracebackType
from typing import Self

from tests.fakes.answers import BASE_PATHS
from tests.fakes.behaviour import Behaviour, Fault, Rule
from tests.fakes.switchboard import Received, Switchboard
from tests.fakes.wire import Wire

__all__ = ["Behaviour", "FakeProvider", "Fault", "Received"]


class FakeProvider:
    """The server as a context manager; usable from any thread while it is open."""

    def __init__(
        self, *, latency_s: float = 0.0, port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self.board = Switchboard(latency_s=latency_s)
        self.port = port
        self._ssl = ssl_context
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="fake-provider", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._is_ready.wait(10):
            raise TimeoutError("the fake provider did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http{'s' if self._ssl else ''}://127.0.0.1:{self.port}"

    def base_url(self, provider: str) -> str:
        """The base URL under which this server is that provider."""
        return self.url + BASE_PATHS[provider]

    def script(
        self,
        *behaviours: Behaviour,
        provider: str = "",
        prompt_contains: str = "",
        model: str = "",
        key: str = "",
        repeat: bool = False,
    ) -> None:
        """Answer matching requests so, one after another; `repeat` keeps the last for ever."""
        self.board.add_rule(
            Rule(
                behaviours=list(behaviours),
                provider=provider,
                prompt_contains=prompt_contains,
                model=model,
                key=key,
                repeat=repeat,
            )
        )

    def received(self, *, provider: str = "", prompt: str = "") -> list[Received]:
        """Every request so far, of that provider and with exactly that prompt if given."""
        return self.board.received(provider, prompt)

    def count(self, *, provider: str = "", prompt: str = "") -> int:
        """How many requests `received` would return."""
        return len(self.received(provider=provider, prompt=prompt))

    @property
    def max_in_flight(self) -> int:
        """The most requests that were ever under way at once."""
        return self.board.max_in_flight

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(serve(self.board, self.port, self._ssl))
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        self._loop.run_forever()
        server.close()
        for transport in tuple(self.board.transports):
            transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


async def serve(
    board: Switchboard,
    port: int,
    ssl_context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> asyncio.Server:
    """A listening server in the running loop."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Wire(board, loop), host, port, ssl=ssl_context, backlog=2048
    )


async def leave_with(parent: int) -> None:
    """Return once the parent process is gone, so that a killed test leaves no server behind."""
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


async def run(port: int, latency_s: float, parent: int, host: str) -> None:
    """Serve until killed, or until `parent` is gone if it is not 0."""
    server = await serve(Switchboard(latency_s=latency_s), port, host=host)
    bound = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://{host}:{bound}\n")
    sys.stdout.flush()
    await (leave_with(parent) if parent else server.serve_forever())


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted LLM provider on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--parent", type=int, default=0, help="leave when this parent is gone")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    options = parser.parse_args()
    asyncio.run(run(options.port, options.latency, options.parent, options.host))


if __name__ == "__main__":
    main()
