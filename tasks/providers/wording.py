"""Text from outside, made fit to keep: no key in it, bounded, storable in any database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_MESSAGE_CHARS = 500
LEAST_KEY_CHARS = 4  # shorter "keys" of local servers are words that messages may well hold


def storable(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\ufffd")


class Scrubber:
    """Takes this provider's keys out of every message before it leaves the room."""

    def __init__(self, keys: Iterable[str]) -> None:
        spellings = {s for key in keys if len(key) >= LEAST_KEY_CHARS for s in _spellings(key)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._spellings)} spellings)"

    def clean(self, text: str) -> str:
        """The message on one line, key-free, storable, at most MOST_MESSAGE_CHARS long."""
        for spelling in self._spellings:
            text = text.replace(spelling, "[key]")
        text = " ".join(storable(text).split())
        return text if len(text) <= MOST_MESSAGE_CHARS else text[: MOST_MESSAGE_CHARS - 1] + "…"

    def describe(self, error: BaseException) -> str:
        """What went wrong at the bottom of a chain of exceptions, in a few clean words."""
        *_, innermost = _chain(error)
        return self.clean(str(innermost) or type(innermost).__name__)


def _spellings(key: str) -> Iterator[str]:
    yield key
    yield repr(key)[1:-1]
    yield ascii(key)[1:-1]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, as far down as the libraries wrapped it."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        wrapped = [arg for arg in current.args if isinstance(arg, BaseException)]
        reason = getattr(current, "reason", None)
        if isinstance(reason, BaseException):
            wrapped.append(reason)
        current = wrapped[0] if wrapped else current.__cause__ or current.__context__
