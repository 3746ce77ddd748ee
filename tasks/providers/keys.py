"""Several keys for one provider: used in turn, told apart without being shown or stored."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from hashlib import blake2b
from itertools import count

_FINGERPRINT_BYTES = 6
_LEAST_CHARS_TO_SHOW_THE_END = 16
_SHOWN_CHARS = 4


class KeyRing:
    """One provider's keys. Many threads take from it."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._turn = count()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._keys)} keys)"

    def __bool__(self) -> bool:
        return bool(self._keys)

    def take(self, aside: AbstractSet[str]) -> str:
        """The next key whose fingerprint is not `aside`; the next of all, if every one is: then
        this call is to find out whether they work again. Raises: ValueError without any key."""
        usable = [key for key in self._keys if fingerprint(key) not in aside] or self._keys
        if not usable:
            raise ValueError("there is no key to take")
        return usable[next(self._turn) % len(usable)]


@cache
def fingerprint(key: str) -> str:
    """Names a key in the database and in logs. Too short to lead back to it, long enough to tell
    the few keys of one provider apart."""
    return blake2b(key.encode(errors="replace"), digest_size=_FINGERPRINT_BYTES).hexdigest()


def masked(keys: Sequence[str], number: int) -> str:
    """A key for people's eyes: "key 2 of 3 (…9f4d)". Of short keys, not even the end is shown."""
    key = keys[number]
    is_long = len(key) >= _LEAST_CHARS_TO_SHOW_THE_END
    end = f" (…{key[-_SHOWN_CHARS:]})" if is_long and key.isascii() else ""
    return f"key {number + 1} of {len(keys)}{end}"
