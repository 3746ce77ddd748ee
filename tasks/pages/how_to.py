"""What helps on a first visit: addresses and a block to paste, as they are for this reader."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from tasks.desktop_config import desktop_config


def how_to(request: HttpRequest) -> dict[str, Any]:
    """The context of `pages/how_to.html`. Only staff learn where the project lies."""
    user: Any = request.user
    block = desktop_config(["--user", user.get_username()])
    return {
        "origin": f"{request.scheme}://{request.get_host()}",
        "desktop": json.dumps(block, indent=2) if user.is_staff else "",
    }
