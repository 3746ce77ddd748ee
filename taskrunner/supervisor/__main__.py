"""`./run`: services when there are options or nothing, a `manage.py` command otherwise."""

from __future__ import annotations

import sys
from contextlib import suppress

from taskrunner.supervisor.address import bind
from taskrunner.supervisor.command import run_command
from taskrunner.supervisor.options import parse_options
from taskrunner.supervisor.preparation import load_project
from taskrunner.supervisor.refusal import StartRefused


def main() -> int:
    """The exit code; 2 with one line on stderr if nothing could be started."""
    arguments = sys.argv[1:]
    is_command = bool(arguments) and not arguments[0].startswith("-")
    try:
        return run_command(arguments) if is_command else _run_services(arguments)
    except StartRefused as refusal:
        with suppress(OSError):
            sys.stderr.write(f"{refusal}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _run_services(arguments: list[str]) -> int:
    options = parse_options(arguments)
    listener = bind(options.host, options.port) if options.has_web else None
    load_project()
    from taskrunner.supervisor.services import run_services  # noqa: PLC0415 - it imports models

    return run_services(options, listener)


if __name__ == "__main__":
    sys.exit(main())
