"""Batches of JSON lines may be larger than other bodies, if they come with a key that may write.

Asked before a byte is read, so that strangers cannot fill the disk with them.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from mcp_bridge.database import on_thread
from tasks.errors import DatabaseUnavailable
from tasks.services.api_keys import find_api_key
from tasks.vocabulary import Scope as KeyScope

MOST_BYTES = 256 * 1024 * 1024  # 100,000 lines of 2.5 kB


async def most_bytes_of(scope: Scope) -> int:
    """What this request may have; 0 if it is no such batch."""
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if scope["path"] != "/api/batches/" or kind != "application/x-ndjson":
        return 0
    words = headers.get("authorization", "").split()
    if len(words) != 2 or words[0].lower() != "bearer":
        return 0
    try:
        return await on_thread(lambda: MOST_BYTES if _may_write(words[1]) else 0)
    except DatabaseUnavailable:
        return 0


def _may_write(key: str) -> bool:
    row = find_api_key(key)
    return row is not None and row.allows(KeyScope.WRITE)
