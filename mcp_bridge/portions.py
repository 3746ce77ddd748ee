"""How much of a long text fits one answer: clients refuse tool results of 25,000 tokens and more.

Nobody's tokenizer is asked. What is counted is what no usual one exceeds by much: half a token for
an ASCII character, which prose needs half of, one for others, three beyond the basic plane, as
for one that JSON must escape.
"""

from __future__ import annotations

import re

MOST_TOKENS = 20_000  # leaves room for the prompt and the figures beside it
_ASCII_CHARS = 2 * MOST_TOKENS
_ESCAPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # \u00XX in JSON


def portion_end(text: str, start: int, most_chars: int) -> int:
    """Where a portion that begins at `start` ends: at `most_chars`, or when it weighs enough."""
    portion = text[start : start + min(most_chars, _ASCII_CHARS)]
    if portion.isascii() and not _ESCAPED.search(portion):
        return start + len(portion)
    weight = 0.0
    for place, character in enumerate(portion):
        weight += _weight(character)
        if weight > MOST_TOKENS and place:
            return start + place
    return start + len(portion)


def _weight(character: str) -> float:
    if character < "\x80":
        return 3.0 if _ESCAPED.match(character) else 0.5
    return 1.0 if character < "\U00010000" else 3.0
