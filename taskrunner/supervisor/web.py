"""The web process: `python -m taskrunner.supervisor.web LEASH_FD SOCKET_FD`."""

from __future__ import annotations

import socket
import sys

import uvicorn

from taskrunner.supervisor.leash import hold_on

STOP_GRACE_S = 3  # open event streams would hold a stop for ever


class Server(uvicorn.Server):
    """Ends event streams and waits first: they would hold a stop for all of its grace."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from tasks.services.following import end_all_waits  # noqa: PLC0415 - needs Django set up
        from tasks.services.live import end_all_streams  # noqa: PLC0415

        end_all_streams()
        end_all_waits()
        await super().shutdown(sockets)


def main() -> None:
    leash_fd, socket_fd = (int(text) for text in sys.argv[1:3])
    hold_on(leash_fd)
    config = uvicorn.Config(
        "taskrunner.asgi:application",
        timeout_graceful_shutdown=STOP_GRACE_S,
        lifespan="on",
        log_config=None,  # the project's own logging has been set up by then
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    Server(config).run(sockets=[socket.socket(fileno=socket_fd)])


if __name__ == "__main__":
    main()
