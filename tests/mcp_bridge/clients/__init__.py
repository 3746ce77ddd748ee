"""Clients and suites that nobody here wrote. `npm ci` in this folder fetches them, and Node 22."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
NODE = FOLDER / "node_modules" / ".bin" / "node"


def require_clients(what: str) -> None:
    """Skip the test, loudly, where `what` cannot be run, and where it was: on SQLite, before."""
    if missing := find_missing():
        pytest.skip(f"{what} NOT RUN: {missing}")
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip(f"{what}: about the wire, which is tried on SQLite")


@functools.cache
def find_missing() -> str:
    """Why they cannot be run here; empty when they can."""
    if not NODE.exists():
        return f"`npm ci` was not run in {FOLDER.relative_to(FOLDER.parents[2])}"
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=False)
    if not version.stdout.startswith("v22."):
        return f"{NODE} is no Node.js 22: {version.stdout or version.stderr}"
    return ""
