"""A receiver on a real socket, a postman, and an endpoint that points there."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from tasks.models import WebhookDelivery, WebhookEndpoint
from tasks.services.webhooks import create_webhook
from tasks.webhooks.postman import Postman
from tests.outbox import settled_events


class Receiver(ThreadingHTTPServer):
    """Answers `status` to each message, after `wait` if it is set; keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.headers_sent: dict[str, str] = {}
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.tries: dict[str, int] = defaultdict(int)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks?from=tests"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.came.append((headers, body))
        self.server.tries[headers["webhook-id"]] += 1
        self.send_response(self.server.status)
        for name, value in self.server.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        return


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.TASKRUNNER_WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def endpoint(receiver, owner) -> WebhookEndpoint:
    """The owner wants to know of all ends."""
    return create_webhook(owner, {"url": receiver.url})


@pytest.fixture
def deliver() -> Iterator[Callable[[], None]]:
    """Have the postman go until there is nothing to do; `again` makes every wait end now."""
    postman = Postman()

    def go(*, again: bool = False) -> None:
        settled_events()
        if again:
            waiting = WebhookDelivery.objects.filter(state="pending")
            waiting.update(next_try_at=timezone.now())
        while postman.go_round() == 0.0:
            pass

    yield go
    postman.stop()
