"""Several keys for one provider: taken in turn, named without being shown."""

from __future__ import annotations

import pytest

from tasks.errors import AuthenticationRefused
from tasks.providers.base import CompletionRequest
from tasks.providers.keys import KeyRing, fingerprint, masked
from tasks.vocabulary import Provider
from tests.fakes.provider import Behaviour, FakeProvider
from tests.providers.conftest import client_for

KEYS = ("sk-one-0123456789abcdef", "sk-two-0123456789abcdef", "sk-six-0123456789abcdef")


def test_keys_are_taken_in_turn_but_for_those_set_aside() -> None:
    ring = KeyRing(KEYS)
    assert [ring.take(frozenset()) for _ in range(4)] == [*KEYS, KEYS[0]]
    taken = {ring.take({fingerprint(KEYS[1])}) for _ in range(10)}
    assert taken == {KEYS[0], KEYS[2]}


def test_when_every_key_is_set_aside_all_are_taken_again() -> None:
    ring = KeyRing(KEYS)
    everything = {fingerprint(key) for key in KEYS}
    assert {ring.take(everything) for _ in range(3)} == set(KEYS)


def test_a_fingerprint_is_short_and_tells_keys_apart() -> None:
    prints = {fingerprint(key) for key in KEYS}
    assert len(prints) == 3
    assert all(len(one) == 12 and one not in "".join(KEYS) for one in prints)


def test_a_short_key_is_named_by_its_place_alone() -> None:
    assert masked((KEYS[0], "secret", "naïve-but-long-enough"), 0) == "key 1 of 3 (…cdef)"
    assert masked((KEYS[0], "secret", "naïve-but-long-enough"), 1) == "key 2 of 3"
    assert masked((KEYS[0], "secret", "naïve-but-long-enough"), 2) == "key 3 of 3"


def test_a_ring_shows_no_key() -> None:
    assert not any(key in repr(KeyRing(KEYS)) for key in KEYS)


def test_an_error_tells_which_key_it_met_and_quotes_none(
    fake: FakeProvider, provider: Provider
) -> None:
    said = f"Incorrect API key provided, and not one of {', '.join(KEYS)}."
    fake.script(Behaviour(status=401, body={"error": {"message": said}}), repeat=True)
    client = client_for(fake, provider, *KEYS)
    request = CompletionRequest(prompt="x", model="m", keys_aside=frozenset({fingerprint(KEYS[0])}))
    for key in (KEYS[1], KEYS[2], KEYS[1]):
        with pytest.raises(AuthenticationRefused) as caught:
            client.complete(request, timeout_s=5)
        assert caught.value.key_id == fingerprint(key)
        assert not any(one in caught.value.message for one in KEYS)
