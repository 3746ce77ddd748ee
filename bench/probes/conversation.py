"""A probe's side of the conversation: an order a line in, an answer a line out, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def serve(answer: Callable[..., Any]) -> None:
    """Until standard input ends. An empty order only asks whether all is ready."""
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(json.dumps(answer(**order) if order else "ready") + "\n")
        sys.stdout.flush()
