"""Web and workers, wired up: locks, database, leash, probes, screen."""

from __future__ import annotations

import os
import socket
import threading
from functools import partial

from django.conf import settings
from django.db import DatabaseError, connection

from taskrunner.supervisor import lock
from taskrunner.supervisor.address import url_of
from taskrunner.supervisor.bell import Bell
from taskrunner.supervisor.child import Child
from taskrunner.supervisor.demo import show_demo
from taskrunner.supervisor.options import Options
from taskrunner.supervisor.preparation import ROOT, prepare_database, require_sound_settings
from taskrunner.supervisor.probes import Report, watch_web, watch_workers
from taskrunner.supervisor.refusal import StartRefused
from taskrunner.supervisor.screen import first_screen, ready_line, tell
from taskrunner.supervisor.supervisor import Supervisor
from tasks.conf import get_conf


def run_services(options: Options, listener: socket.socket | None) -> int:
    """Hold them until told to stop. listener: where web answers; None without web.

    Raises:
        StartRefused: settings, database or another `./run` are in the way.
    """
    require_sound_settings()
    locks = [  # kept open as long as this process lives
        lock.hold(ROOT / "var", role, settings.DATABASES["default"])
        for role, is_wanted in (("web", options.has_web), ("worker", options.has_worker))
        if is_wanted
    ]
    password = _prepare_database()
    url = None if listener is None else url_of(listener)
    tell(first_screen(url, password))
    code = _supervise(options, listener, url)
    tell("Stopped.")
    for held in locks:
        held.close()
    return code


def _prepare_database() -> str | None:
    try:
        return prepare_database()
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise StartRefused(f"The database cannot be used: {reason}. Check DATABASE_URL.") from error
    finally:
        connection.close()


def _supervise(options: Options, listener: socket.socket | None, url: str | None) -> int:
    leash_fd, leash_end = os.pipe()  # children hold the one; the other ends with this process
    children: list[Child] = []
    bell = Bell()
    supervisor = Supervisor(children, bell, partial(_announce, url, options.is_demo))

    def report(act: Report) -> Report:
        return lambda child, start: bell.report(partial(act, child, start))

    if listener is not None and url is not None:
        fds = [leash_fd, listener.fileno()]
        web = Child("web process", "taskrunner.supervisor.web", fds, ROOT)
        children.append(web)
        watch_web(web, url, report(supervisor.mark_healthy))
    if options.has_worker:
        worker = Child("worker cluster", "taskrunner.supervisor.worker", [leash_fd], ROOT)
        children.append(worker)
        watch_workers(
            worker, get_conf().lease_s, report(supervisor.mark_healthy), report(supervisor.renew)
        )
    try:
        return supervisor.run()
    finally:
        os.close(leash_end)


def _announce(url: str | None, is_demo: bool) -> None:
    tell(ready_line(url))
    if is_demo:
        threading.Thread(target=show_demo, name="demo", daemon=True).start()
