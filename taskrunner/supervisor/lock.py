"""One web and one cluster per database and project folder; a second `./run` is told so."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from taskrunner.supervisor.refusal import StartRefused


def hold(folder: Path, role: str, database: Mapping[str, Any]) -> TextIO:
    """The open lock file: held until it is closed or the process ends, however it ends.

    database: Django's settings of it. Raises StartRefused if another process holds the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # "a+": the holder's pid must still be there for the second comer to tell.
    lock = (folder / f"run-{role}-{_fingerprint(database)}.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StartRefused(
            f"./run is already running here on this database ({role}, process {holder}). "
            "Stop it first; more workers: manage.py qcluster."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _fingerprint(database: Mapping[str, Any]) -> str:
    identity = "|".join(str(database[part]) for part in ("ENGINE", "HOST", "PORT", "NAME"))
    return hashlib.sha256(identity.encode()).hexdigest()[:12]
