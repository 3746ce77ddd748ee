"""Guessing of passwords: failures are counted by address and name, and by address alone.

A name alone is not locked: strangers could then lock its owner out.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from tasks.services.rates import count_event, forget_events

WINDOW_S = 300
MOST_FOR_A_NAME = 5
MOST_FOR_AN_ADDRESS = 30


def seconds_to_wait(address: str, username: str) -> float:
    """How long no further guess is looked at; 0 while guesses are free."""
    for name, most in _counters(address, username).items():
        count, left_s = count_event(name, WINDOW_S, amount=0)
        if count >= most:
            return left_s
    return 0.0


@receiver(user_login_failed)
def _count_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: object
) -> None:
    if request is not None:
        for name in _counters(_address(request), str(credentials.get("username", ""))):
            count_event(name, WINDOW_S)


@receiver(user_logged_in)
def _forget_failures(sender: object, request: HttpRequest | None, user: Any, **_: object) -> None:
    if request is not None:
        forget_events(f"login:{_address(request)}:{_spell(user.get_username())}", WINDOW_S)


def _counters(address: str, username: str) -> dict[str, int]:
    return {
        f"login:{address}:{_spell(username)}": MOST_FOR_A_NAME,
        f"login:{address}": MOST_FOR_AN_ADDRESS,
    }


def _spell(username: str) -> str:
    return username.strip().casefold()[:150]


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
