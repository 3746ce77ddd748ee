"""The postman: a thread beside each worker that writes messages and has them sent.

He alone speaks to the database, the senders alone to the receivers; no task's slot and no chore
waits for either.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from django.db import Error, connection

from tasks.conf import get_conf
from tasks.models import WebhookEndpoint
from tasks.webhooks.letters import Letter, settle_letter, take_letters
from tasks.webhooks.messages import write_messages
from tasks.webhooks.sender import Sent, post
from tasks.webhooks.signature import signed_headers

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
_LOOK_UNUSED_EVERY_S = 5.0
_AWAY_S = 5.0
_SENDERS = 16
_USER_AGENT = "async-ai-task-runner/1"


def carry_mail(is_over: threading.Event) -> None:
    """Until told to stop. What is being sent then is sent again by another worker: receivers know
    a message by its id."""
    postman = Postman()
    while not is_over.is_set():
        try:
            pause_s = postman.go_round()
        except Error as error:
            log.debug("the post waits for the database", error=type(error).__name__)
            connection.close()
            pause_s = _AWAY_S
        except Exception:
            log.exception("the post stumbled; it goes on")
            pause_s = _AWAY_S
        if pause_s >= _LOOK_UNUSED_EVERY_S:
            connection.close()  # a server's connections are dear, and this one is of no use
        is_over.wait(pause_s)


class Postman:
    def __init__(self) -> None:
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")
        self._under_way: dict[Future[Sent], Letter] = {}

    def go_round(self) -> float:
        """Write, take, settle. Returns how long to rest before the next round, seconds."""
        if not self._under_way and not WebhookEndpoint.objects.filter(is_enabled=True).exists():
            return _LOOK_UNUSED_EVERY_S  # an installation without webhooks hardly notices
        read = write_messages()
        busy = Counter(letter.endpoint_id for letter in self._under_way.values())
        for letter in take_letters(_SENDERS - len(self._under_way), busy):
            self._under_way[self._senders.submit(send, letter)] = letter
        if not self._under_way:
            return 0.0 if read else LOOK_EVERY_S
        done, _ = wait(self._under_way, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
        for future in done:
            settle_letter(self._under_way[future], future.result())
            del self._under_way[future]
        return 0.0

    def stop(self) -> None:
        """Wait for what is being sent."""
        self._senders.shutdown()


def send(letter: Letter) -> Sent:
    """One try."""
    headers = signed_headers(letter.key, letter.message_id, int(time.time()), letter.body)
    headers |= {"Content-Type": "application/json", "User-Agent": _USER_AGENT}
    return post(letter.url, letter.body, headers, get_conf().webhook_allowed_hosts)
