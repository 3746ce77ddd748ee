"""The block that makes a desktop client start the MCP server of this installation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).resolve().parent.parent / "manage.py"
SERVER_NAME = "async-ai-task-runner"


def desktop_config(options: Sequence[str] = ()) -> dict[str, Any]:
    """`claude_desktop_config.json`. Absolute paths: clients start servers from anywhere.

    The project's own Python, as it was called: resolving the link would leave its environment.
    """
    command = {
        "command": str(Path(sys.executable).absolute()),
        "args": [str(_SCRIPT), "runmcp", *options],
    }
    return {"mcpServers": {SERVER_NAME: command}}
