"""What a streamed call costs beside one that comes whole: `python -m bench.streamed_calls`.

Threads of one process call the scripted provider, which is a process of its own; only the caller's
CPU is counted. Each answer takes `--seconds`, whole or in `--pieces` of six letters.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tasks.providers.base import CompletionRequest, ProviderClient, ProviderSettings
from tasks.providers.partial import Partial
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider
from tests.fakes.behaviour import Behaviour
from tests.fakes.process import FakeProviderProcess


def cpu_ms_per_call(
    client: ProviderClient, calls: int, threads: int, *, is_streamed: bool
) -> float:
    """Milliseconds of this process's CPU for each of `calls` calls."""

    def call(number: int) -> None:
        partial = Partial() if is_streamed else None
        request = CompletionRequest(prompt=f"call {number}", model="m", partial=partial)
        client.complete(request, timeout_s=60)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, range(threads)))  # connections and threads are there
        before = time.process_time()
        list(pool.map(call, range(calls)))
        return (time.process_time() - before) / calls * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", default="openai", choices=["openai", "anthropic"])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--pieces", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--calls", type=int, default=128)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with FakeProviderProcess() as fake:
        settings = ProviderSettings(
            name=Provider(options.provider),
            api_keys=("k",),
            base_url=fake.base_url(options.provider),
            pool_size=options.threads,
        )
        client = build_client(settings)
        for pieces in (0, *options.pieces):
            fake.reset()
            text = "letter" * max(1, pieces)
            whole = Behaviour(text=text, latency_s=options.seconds)
            pause_s = options.seconds / max(1, pieces)
            streamed = Behaviour(text=text, pieces=pieces, pause_s=pause_s, latency_s=0)
            fake.script(streamed if pieces else whole, repeat=True)
            measured = median(
                cpu_ms_per_call(client, options.calls, options.threads, is_streamed=bool(pieces))
                for _ in range(options.runs)
            )
            name = f"streamed in {pieces}" if pieces else "whole"
            print(f"{name:>16}: {measured:.2f} ms CPU a call")


if __name__ == "__main__":
    main()
