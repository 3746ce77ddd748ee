"""The block that makes a desktop client start this server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from mcp_bridge.server import NAME


def client_config(options: Sequence[str] = ()) -> dict[str, Any]:
    """`claude_desktop_config.json`. Absolute paths: clients start servers from anywhere.

    The project's own Python, as it was called: resolving the link would leave its environment.
    """
    script = Path(settings.BASE_DIR) / "manage.py"
    command = {
        "command": str(Path(sys.executable).absolute()),
        "args": [str(script), "runmcp", *options],
    }
    return {"mcpServers": {NAME: command}}
