"""What the sender does to addresses and receivers that mean no good."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from tasks.policy.addresses import is_public, literal_address
from tasks.webhooks import sender
from tasks.webhooks.sender import post

PRIVATE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0", "①②⑦.0.0.1",  # noqa: S104
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1",
    "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "[::127.0.0.1]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fec0::1]", "[ff02::1]",
    "[2001:db8::1]", "127.0.0.1.",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "[2606:4700::1111]", "[::ffff:1.1.1.1]", "[64:ff9b::101:101]"]


@pytest.fixture
def listener():
    """Counts who calls at a loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


def has_been_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("host", PRIVATE)
def test_every_spelling_of_an_inner_address_is_known(host):
    address = literal_address(host)
    assert address is not None
    assert not is_public(address)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_public(host):
    assert is_public(str(literal_address(host)))


@pytest.mark.parametrize("host", ["example.org", "localhost", "abc.1.2.3.4.nip.example", "", "[x]"])
def test_names_are_no_addresses(host):
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "①②⑦.0.0.1", "localhost",
             "[::ffff:127.0.0.1]"]
)  # fmt: skip
def test_loopback_is_never_connected(listener, host):
    sent = post(f"http://{host}:{listener.getsockname()[1]}/", b"{}", {})

    assert not sent.is_accepted
    assert sent.error == "Its host leads to an address that is not public."
    assert not has_been_called(listener)


def test_a_name_is_looked_up_once_and_that_address_is_called(listener, monkeypatch):
    """A name that leads elsewhere the second time gains nothing."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    called = []

    def look_up(host, port, *arguments, **named):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, timeout):
        called.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(sender.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(sender.socket, "create_connection", connect)

    sent = post(f"http://rebinding.example:{listener.getsockname()[1]}/", b"{}", {})

    assert called == ["93.184.216.34"]
    assert sent.error == "The connection failed (Connection refused)."


def test_a_name_with_one_inner_address_among_public_ones_is_refused(monkeypatch):
    found = [(2, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(sender.socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(sender.socket, "create_connection", lambda *_: pytest.fail("called"))

    assert "not public" in str(post("http://mixed.example/", b"{}", {}).error)


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nX-A: b\r\nX-B: "])
def test_a_receiver_that_drips_is_left_at_the_deadline(monkeypatch, drip):
    monkeypatch.setattr(sender, "DEADLINE_S", 0.4)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with closing(server.accept()[0]) as line:
                line.sendall(drip)
                while not over.wait(0.05):
                    try:
                        line.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        sent = post(address, b"{}", {}, allowed_hosts={"127.0.0.1"})
        over.set()
        thread.join()

    assert not sent.is_accepted
    assert 350 < sent.duration_ms < 3000


@pytest.mark.parametrize("garbage", [b"", b"hello\r\n\r\n", b"HTTP/1.1 9999999 OK\r\n\r\n"])
def test_what_is_no_http_is_a_failure_in_words(garbage):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with closing(server.accept()[0]) as line:
                line.recv(65536)
                line.sendall(garbage)

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        sent = post(address, b"{}", {}, allowed_hosts={"127.0.0.1"})
        thread.join()

    assert sent.status is None
    assert sent.error


def test_a_certificate_of_nobodys_is_refused(listener):
    """Over TLS the name is verified, though an address is called."""
    server = listener.getsockname()
    answered = threading.Thread(target=lambda: listener.accept()[0].sendall(b"no TLS at all"))
    answered.start()
    sent = post(f"https://127.0.0.1:{server[1]}/", b"{}", {}, allowed_hosts={"127.0.0.1"})
    answered.join()

    assert sent.status is None
