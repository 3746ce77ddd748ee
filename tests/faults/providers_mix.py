"""`python -m tests.faults.providers_mix`: every fault of a provider at once, over many tasks.

    python -m tests.faults.providers_mix --tasks 1000 --seed 1 --write

Four providers: three that fail in every listed way, and one that listens nowhere. Exit 1 if a task
was lost, wrongly completed or called more often than it should have been.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deployment import Deployment, template_database, wait_until
from tests.fakes.process import FakeProviderProcess
from tests.faults.installation import Installation, free_port
from tests.faults.mix_tally import MixTally, Planned, tally
from tests.faults.page import measured_on, write
from tests.faults.provider_faults import KINDS

PROVIDERS = ("openai", "deepseek", "anthropic")
_ASKED = (*PROVIDERS, *PROVIDERS, *PROVIDERS, "auto", "local")
_FAULTS_BEFORE_THE_END = (0, 0, 0, 0, 0, 1, 1, 2)
_MOST_ATTEMPTS = 12
_PARKED = " OR ".join(["waiting_reason LIKE %s"] * 4)


def plan(tasks: int, seed: int, shutting: int | None = None) -> list[Planned]:
    """What each task asks for and what its calls will meet, by chance but for the seed.

    shutting: how many calls meet what shuts a provider for half a minute; None: all those listed.
    """
    chance = random.Random(seed)
    passing = [name for name, kind in KINDS.items() if not kind.is_end and kind.weight]
    ends = [name for name, kind in KINDS.items() if kind.is_end]
    planned = []
    for number in range(tasks):
        count = chance.choice(_FAULTS_BEFORE_THE_END)
        faults = chance.choices(passing, [KINDS[name].weight for name in passing], k=count)
        (end,) = chance.choices(ends, [KINDS[name].weight for name in ends])
        planned.append(
            Planned(prompt=f"mix {number:05}", asked=chance.choice(_ASKED), meets=[*faults, end])
        )
    rare = [name for name, kind in KINDS.items() for _ in range(kind.times)]
    rare = rare if shutting is None else chance.sample(rare, shutting)
    for name, one in zip(rare, chance.sample(planned, len(rare)), strict=True):
        one.meets.insert(0, name)
    return planned


def run(planned: Sequence[Planned], patience_s: float = 600) -> MixTally:
    """Submit all of them at once, wait until the last has ended, and count."""
    with _installation() as installation:
        for one in planned:
            _script(installation.provider, one)
        for asked in sorted(set(_ASKED)):
            prompts = [one.prompt for one in planned if one.asked == asked]
            installation.submit(*prompts, provider=asked, max_attempts=_MOST_ATTEMPTS)
        installation.start_cluster()
        began, parked = time.monotonic(), set[int]()
        with contextlib.suppress(AssertionError):  # what has not ended by then counts as lost
            wait_until(lambda: _is_over(installation, parked), patience_s, every_s=0.3)
        took_s = time.monotonic() - began
        log = installation.provider.log()["requests"]
        return tally(planned, installation.deployment, log, parked=len(parked), took_s=took_s)


@contextlib.contextmanager
def _installation() -> Iterator[Installation]:
    with (
        TemporaryDirectory(prefix="taskrunner-mix-") as folder,
        FakeProviderProcess(latency_s=0.05) as provider,
        Deployment.create(Path(folder), template_database()) as deployment,
    ):
        deployment.environment |= provider.environment(*PROVIDERS) | {
            "LOCAL_BASE_URL": f"http://127.0.0.1:{free_port()}/v1",
            "TASKRUNNER_FAILOVER": ",".join(PROVIDERS),
            "TASKRUNNER_WORKERS": "2",
            "TASKRUNNER_CONCURRENCY": "64",
            "TASKRUNNER_CALL_TIMEOUT": "5",  # a busy machine is no fault of the provider
            "TASKRUNNER_STREAM": "true",
            "TASKRUNNER_RETRY_BASE": "0.1",
            "TASKRUNNER_RETRY_CAP": "1",
            "LOG_LEVEL": "WARNING",
        }
        yield Installation(deployment=deployment, provider=provider)


def _script(provider: FakeProviderProcess, planned: Planned) -> None:
    """The end stays for ever: a task that is called once too often is seen, not helped."""
    behaviours = [KINDS[name].behaviour for name in planned.meets]
    provider.script(*behaviours, prompt_contains=planned.prompt, repeat=True)


def _is_over(installation: Installation, parked: set[int]) -> bool:
    patterns = tuple(f"{name}: %" for name in (*PROVIDERS, "local"))
    found = installation.deployment.query(f"SELECT id FROM tasks_task WHERE {_PARKED}", patterns)
    parked.update(row[0] for row in found)
    return set(installation.statuses()) <= {"COMPLETED", "FAILED"}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="chooses who meets what")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    options = parser.parse_args(arguments)
    found = run(plan(options.tasks, options.seed))
    table = f"{measured_on()}, seed {options.seed}:\n\n{found.render()}"
    sys.stdout.write(table)
    if options.write:
        write(table, "providers")
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
