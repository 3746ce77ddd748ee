"""The command line of `./run`: options for the services, or a `manage.py` command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

_EPILOG = """\
./run COMMAND … is manage.py COMMAND … in the project's environment, for example
  ./run submit "Say hello" --wait
  ./run create_api_key admin --name laptop --scope write
  ./run doctor
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to start, and where. Port 0 means any free one."""

    host: str
    port: int
    has_web: bool
    has_worker: bool
    is_demo: bool


def parse_options(arguments: Sequence[str]) -> Options:
    """Exits with 2 and a line on stderr for what makes no sense."""
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Starts web and workers; Ctrl-C ends both.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8000, help="port to listen on (8000)")
    parser.add_argument("--no-web", action="store_true", help="start the workers only")
    parser.add_argument("--no-worker", action="store_true", help="start the web process only")
    parser.add_argument("--demo", action="store_true", help="submit a dozen sample tasks as well")
    chosen = parser.parse_args(arguments)
    if chosen.no_web and chosen.no_worker:
        parser.error("--no-web and --no-worker together leave nothing to start")
    if chosen.demo and chosen.no_worker:
        parser.error("--demo needs workers: remove --no-worker")
    return Options(
        host=chosen.host.strip("[]"),
        port=chosen.port,
        has_web=not chosen.no_web,
        has_worker=not chosen.no_worker,
        is_demo=chosen.demo,
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)
