"""Certificates are verified, and deadlines and kept connections hold over TLS too."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import CallTimedOut, ConnectionFailed
from tasks.providers.base import CompletionRequest, ProviderSettings
from tasks.providers.registry import build_client
from tasks.vocabulary import Provider
from tests.fakes.provider import Behaviour, FakeProvider, Fault
from tests.providers.conftest import client_for

REQUEST = CompletionRequest(prompt="hello", model="m")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(pem.read_text() + key.read_text())
    return pem


@pytest.fixture
def fake(certificate: Path) -> Iterator[FakeProvider]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FakeProvider(ssl_context=context) as server:
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_key_is_sent(
    fake: FakeProvider,
) -> None:
    with pytest.raises(ConnectionFailed, match="certificate verify failed"):
        client_for(fake, Provider.OPENAI).complete(REQUEST, timeout_s=5)
    assert fake.count() == 0


def test_a_certificate_of_the_systems_own_authority_is_trusted_and_the_connection_kept(
    fake: FakeProvider, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = client_for(fake, Provider.ANTHROPIC)
    for _ in range(3):
        assert client.complete(REQUEST, timeout_s=5).text == "Answer to: hello"
    assert fake.board.connections == 1


def test_a_certificate_for_another_name_is_refused(
    fake: FakeProvider, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"https://localhost:{fake.port}/openai/v1"
    settings = ProviderSettings(name=Provider.OPENAI, api_keys=("sk-test",), base_url=url)
    with pytest.raises(ConnectionFailed, match="certificate"):
        build_client(settings).complete(REQUEST, timeout_s=5)
    assert fake.count() == 0


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEAD, Fault.DRIP_BODY])
def test_the_deadline_ends_a_drip_over_tls(
    fake: FakeProvider, certificate: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    fake.script(Behaviour(fault=fault, interval_s=0.05))
    begun = time.monotonic()
    with pytest.raises(CallTimedOut):
        client_for(fake, Provider.OPENAI).complete(REQUEST, timeout_s=0.5)
    assert time.monotonic() - begun < 5  # drips would go on for ever


def test_the_deadline_ends_a_handshake_that_never_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        settings = ProviderSettings(name=Provider.OPENAI, api_keys=("sk-test",), base_url=url)
        client = build_client(settings)
        begun = time.monotonic()
        with pytest.raises(CallTimedOut):
            client.complete(REQUEST, timeout_s=0.5)
        assert time.monotonic() - begun < 5  # drips would go on for ever
