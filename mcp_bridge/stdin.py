"""Lines of a descriptor without a thread that nobody can end.

`async for` over a file waits in a thread pool, and a pool's thread is joined at exit: a server
whose client keeps stdin open could not leave. This thread is a daemon and holds no lock.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

_BLOCK = 65_536


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """Each line as text, broken UTF-8 replaced, until the end of the file."""
    loop = asyncio.get_running_loop()
    blocks: asyncio.Queue[bytes] = asyncio.Queue()

    def pump() -> None:
        block = b" "
        while block:
            block = _read(descriptor)
            try:
                loop.call_soon_threadsafe(blocks.put_nowait, block)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return

    threading.Thread(target=pump, name="stdin", daemon=True).start()
    rest = bytearray()
    while block := await blocks.get():
        rest += block
        *lines, tail = rest.split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            yield line.decode("utf-8", "replace")
    if rest.strip():
        yield rest.decode("utf-8", "replace")


def _read(descriptor: int) -> bytes:
    """What there is; nothing at the end, or when the descriptor is gone."""
    try:
        return os.read(descriptor, _BLOCK)
    except OSError:
        return b""
