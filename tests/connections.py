"""What another worker does to the database in the middle of a test."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection


def on_another_connection(do: Callable[[], object]) -> None:
    """Do it in a thread that has a connection of its own, and wait for it."""

    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
