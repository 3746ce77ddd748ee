"""How much text fits one answer: clients refuse tool results of 25,000 tokens and more.

Nobody's tokenizer is asked. What is counted is what none exceeds. Those in use begin with bytes, so
a character never makes more tokens than it has bytes in UTF-8. For ASCII that is far too careful:
there it is the worst that o200k_base, cl100k_base and Claude's published tokenizer made of random
text of each class, as JSON spells it (measured in November 2026). English prose needs a third.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_TOKENS = 20_000  # of an answer's text; leaves room for the prompt and the figures beside it
MOST_PROMPT_TOKENS = 4_000

_WORST_BYTES = 4
_LIGHT = re.compile(r"[a-z]| (?=[A-Za-z])")
_ESCAPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # \u00XX in JSON: 3.2 tokens


def weigh(text: str) -> float:
    """Tokens at most."""
    return sum(_weights(text))


def portion_end(text: str, start: int, most_chars: int, most_tokens: float = MOST_TOKENS) -> int:
    """Where a portion that begins at `start` ends: at `most_chars`, or when it weighs enough."""
    portion = text[start : start + most_chars]
    if len(portion) * _WORST_BYTES <= most_tokens:
        return start + len(portion)
    sum_of_weights = 0.0
    for place, weight in enumerate(_weights(portion)):
        sum_of_weights += weight
        if sum_of_weights > most_tokens and place:
            return start + place
    return start + len(portion)


def shorten(text: str, most_tokens: float) -> str:
    """The text, or its begin and an ellipsis."""
    end = portion_end(text, 0, len(text), most_tokens)
    return (
        text if end == len(text) else f"{text[: max(end - 5, 0)]}…"
    )  # which weighs as much as five letters


def _weights(text: str) -> Iterator[float]:
    light = {found.start() for found in _LIGHT.finditer(text)}
    for place, character in enumerate(text):
        yield 0.67 if place in light else _weight(character)


def _weight(character: str) -> float:
    if character > "\x7f":
        return len(character.encode("utf-8", "replace"))
    if character in "\n\r\t":
        return 2.0
    return 3.5 if _ESCAPED.match(character) else 1.0
