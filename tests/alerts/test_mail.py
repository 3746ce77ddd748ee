"""Alerts by e-mail, over a real line to a mail server."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tasks.alerts.watch import watch
from tasks.models import Alert
from tasks.querysets import database_now

pytestmark = pytest.mark.django_db(transaction=True)


class MailServer(socketserver.ThreadingTCPServer):
    """Takes what is sent, `.got`, or answers each recipient with `.refusal`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.got: list[tuple[list[str], email.message.EmailMessage]] = []
        self.refusal = ""


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail.example.org")
        recipients: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "RCPT":
                recipients.append(line.partition("<")[2].rstrip(">"))
                self._say(self.server.refusal or "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self._keep(recipients)
                self._say("250 ok")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _keep(self, recipients: list[str]) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.got.append((recipients, message))

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def mail_server(settings) -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.TASKRUNNER_ALERT_FOR = 0
        settings.TASKRUNNER_ALERT_EMAIL = ["ops@example.org", "boss@example.org"]
        settings.TASKRUNNER_ALERT_WEBHOOK = ""
        yield server
        server.shutdown()


def test_an_alert_and_its_end_each_reach_the_mailboxes_once(mail_server, make_worker):
    for _ in range(3):
        watch()
    make_worker("one")
    for _ in range(3):
        watch()
    subjects = [str(message["Subject"]) for _, message in mail_server.got]
    assert subjects == [
        "[taskrunner] FIRED: no_worker", "[taskrunner] RESOLVED: no_worker"
    ]  # fmt: skip
    recipients, message = mail_server.got[0]
    assert recipients == ["ops@example.org", "boss@example.org"]
    assert "start ./run or qcluster" in message.get_content()


def test_a_mail_server_that_refuses_is_asked_again(mail_server):
    mail_server.refusal = "451 try later"
    watch()
    assert Alert.objects.get(key="no_worker").untold == ["email"]
    mail_server.refusal = ""
    watch()
    assert len(mail_server.got) == 1
    assert Alert.objects.get(key="no_worker").untold == []


def test_what_flaps_is_told_only_once_it_has_lasted(
    mail_server, make_worker, settings, monkeypatch
):
    """A worker that comes and goes every 20 seconds for ten minutes, then for good."""
    settings.TASKRUNNER_ALERT_FOR = 60
    clock = _Clock(monkeypatch)
    for n in range(30):
        worker = make_worker(f"w{n}", beat_ago=-3600) if n % 2 else None
        watch()
        clock.move_on(20)
        if worker:
            worker.delete()
    assert mail_server.got == []
    for _ in range(5):
        watch()
        clock.move_on(20)
    assert len(mail_server.got) == 1


class _Clock:
    """The clock that alerts look at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = database_now()
        monkeypatch.setattr("tasks.alerts.watch.database_now", lambda: self.now)

    def move_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
