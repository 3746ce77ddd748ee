"""Serves them as the project serves itself: `python -m bench.minimal.web LEASH_FD SOCKET_FD`."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

from taskrunner.supervisor.leash import hold_on

os.environ["TASKRUNNER_PROCESS"] = "web"  # the same pool of connections


def main() -> None:
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - needs the line above

    application = get_asgi_application()
    _make_table()
    leash_fd, socket_fd = (int(text) for text in sys.argv[1:3])
    hold_on(leash_fd)
    config = uvicorn.Config(
        application, lifespan="off", log_level="warning", access_log=False, server_header=False
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=socket_fd)])


def _make_table() -> None:
    from django.db import connection  # noqa: PLC0415 - needs Django set up

    from bench.minimal.urls import Note  # noqa: PLC0415

    if Note._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Note)
    connection.close()


if __name__ == "__main__":
    main()
