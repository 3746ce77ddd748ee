"""The listening socket: who has it, what it is called."""

from __future__ import annotations

import socket

import pytest

from taskrunner.supervisor.address import bind, url_of
from taskrunner.supervisor.refusal import StartRefused


def test_bound_socket_takes_connections_before_anybody_serves() -> None:
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_port_can_be_bound_again_at_once_after_a_connection_was_served() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            served, _ = first.accept()
            served.close()  # its end waits in TIME_WAIT now
    bind("127.0.0.1", port).close()


def test_wildcard_address_is_shown_as_one_that_can_be_opened() -> None:
    with bind("0.0.0.0", 0) as listener:  # noqa: S104
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_taken_port_is_refused_with_the_way_out() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(StartRefused, match=r"in use.*--port"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_foreign_address_is_refused() -> None:
    with pytest.raises(StartRefused, match="no such address"):
        bind("192.0.2.1", 0)


def test_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"--host no\.such\.invalid"):
        bind("no.such.invalid", 0)
