"""Submits tasks one by one, as a program beside the cluster would; run by `manage.py shell`.

Reads lines "NAME COUNT" and answers "fed" once all of "NAME 0" to "NAME COUNT-1" were accepted. A
submit that the database cut off is repeated with its idempotency key, as a careful client does.
"""

from __future__ import annotations

import sys
import time

from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection

from tasks import services

PACE_S = 0.03


def main() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        name, count = line.split()
        for number in range(int(count)):
            submit_until_accepted(f"{name} {number}")
            time.sleep(PACE_S)
        sys.stdout.write("fed\n")
        sys.stdout.flush()


def submit_until_accepted(prompt: str, patience_s: float = 30) -> None:
    """Raises: OperationalError or InterfaceError if the database stays away for so long."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            admin = get_user_model().objects.get(username="admin")
            fields = {"prompt": prompt, "provider": "openai", "max_attempts": 5}
            services.submit(admin, fields, idempotency_key=prompt)
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(PACE_S)
        else:
            return
