"""How web and cluster learn that their supervisor is gone, even when it was killed with -9."""

from __future__ import annotations

import os
import signal
import threading

_GRACE_S = 8.0


def hold_on(leash_fd: int) -> None:
    """Leave in order once the other end of the pipe closes, and by force soon after.

    Only the supervisor has the writing end; the kernel closes it, however the supervisor ends.
    """
    threading.Thread(target=_follow, args=(leash_fd,), name="leash", daemon=True).start()


def _follow(leash_fd: int) -> None:
    while os.read(leash_fd, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_GRACE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)  # each child leads a group of its own
