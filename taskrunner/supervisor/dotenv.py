"""`.env` gets a SECRET_KEY of its own where none is set; nothing else in it is ever touched."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import MutableMapping
from pathlib import Path

_SECRET_KEY = re.compile(r"^[ \t]*(?:export[ \t]+)?SECRET_KEY[ \t]*=(?P<value>.*)$", re.MULTILINE)
_HEADER = "# Read by the project at every start; .env.example tells what else can be set.\n"
_OWNER_ONLY = 0o600


def ensure_secret_key(path: Path, environment: MutableMapping[str, str]) -> bool:
    """True if a key was generated and written to `path`, for its owner's eyes only.

    A key in the environment or in the file is left alone; an empty one counts as missing.
    """
    if environment.get("SECRET_KEY", "").strip():
        return False
    environment.pop("SECRET_KEY", None)  # set but empty, it would hide the file's
    text = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    known = _SECRET_KEY.search(text)
    if known and known["value"].split(" #")[0].strip(" \t\"'"):
        return False
    line = f"SECRET_KEY={secrets.token_urlsafe(50)}"
    if known:
        text = text[: known.start()] + line + text[known.end() :]
    else:
        text = text.rstrip("\n") + f"\n{line}\n"
    _write(path, text)
    return True


def _write(path: Path, text: str) -> None:
    """In place, so that a `.env` which is a symbolic link stays one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), _OWNER_ONLY)
        file.truncate(0)
        file.write(text)
