"""The worker cluster on a leash: `python -m taskrunner.supervisor.worker LEASH_FD`."""

from __future__ import annotations

import sys

from manage import main as manage
from taskrunner.supervisor.leash import hold_on


def main() -> None:
    hold_on(int(sys.argv[1]))
    sys.argv = ["manage.py", "qcluster"]
    manage()


if __name__ == "__main__":
    main()
