"""Long lists in pages. A cursor is a signed position, so that only one handed out is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.core import signing
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

Item = TypeVar("Item")

PAGE_ITEMS = 100  # many clients never ask for a second page
_SALT = "mcp_bridge.pages"


def page_of(items: Sequence[Item], name: str, cursor: str | None) -> tuple[list[Item], str | None]:
    """The page of the list `name` that begins at `cursor`, and the next page's cursor if any.

    Raises:
        MCPError: the cursor was not handed out for this list.
    """
    start = 0 if cursor is None else _position(name, cursor)
    end = start + PAGE_ITEMS
    following = signing.dumps([name, end], salt=_SALT) if end < len(items) else None
    return list(items[start:end]), following


def _position(name: str, cursor: str) -> int:
    try:
        owner, start = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, UnicodeError):
        owner, start = None, 0
    if owner != name:
        raise MCPError(code=INVALID_PARAMS, message="Invalid cursor")
    return int(start)
