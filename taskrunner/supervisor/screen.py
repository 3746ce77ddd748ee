"""What `./run` shows: where everything is, and that it is ready."""

from __future__ import annotations

import sys
from contextlib import suppress

_PAGES = (
    ("Admin", "/admin/"),
    ("Stats", "/stats/"),
    ("API", "/api/"),
    ("API docs", "/api/docs/"),
)


def tell(line: str) -> None:
    """One line on stdout. Whoever read it may be gone (a closed terminal): the show goes on."""
    with suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def first_screen(url: str | None, admin_password: str | None) -> str:
    """url: None without web. admin_password: None if there was an `admin` already."""
    lines = ["Async AI Task Runner", ""]
    if url is not None:
        lines += [f"  {name:<9} {url}{path}" for name, path in _PAGES]
    lines += [f"  {'MCP':<9} ./run runmcp --print-config", ""]
    if admin_password is not None:
        lines += [f"  Log in as admin with the password {admin_password}  (shown only now)", ""]
    return "\n".join(lines)


def ready_line(url: str | None) -> str:
    return f"Ready: {url}/" if url is not None else "Ready: the workers are running, without web"
