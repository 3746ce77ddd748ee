"""`{{ name }}` in a template's text, and nothing else: no expressions, tags, filters or attributes.

Filled in one pass, so what a value holds is never read as a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_NAME_CHARS = 50
NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MOST_NAME_CHARS - 1}}}")
_PLACEHOLDER = re.compile(rf"\{{\{{[ \t]*({NAME.pattern})[ \t]*\}}\}}")


def names_in(text: str) -> list[str]:
    """The placeholders' names, each once, in the order of their first use."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder replaced. Raises KeyError for a name without a value."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
