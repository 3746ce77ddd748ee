"""What it was measured on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path

import psycopg

from bench.databases import ADMIN_URL
from bench.probe import ROOT

_PEERS = ("celery", "dramatiq", "procrastinate", "django-q2")


def machine() -> dict[str, str]:
    """Name → value, in the order to print them."""
    return {
        "Processor": f"{os.cpu_count()} × {_processor()}",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": _postgres(),
        "SQLite": _sqlite(),
        "Project": f"django {version('django')}, django-q2 {version('django-q2')}, "
        f"psycopg {version('psycopg')}, requests {version('requests')}",
        "Peers": ", ".join(f"{name} {_pin(name)}" for name in _PEERS),
    }


def _processor() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _postgres() -> str:
    settings = ("server_version", "shared_buffers", "fsync", "synchronous_commit")
    with psycopg.connect(ADMIN_URL) as connection:
        values = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in settings]
    release, *others = [value[0] if value else "?" for value in values]
    told = ", ".join(f"{name}={value}" for name, value in zip(settings[1:], others, strict=True))
    return f"{release.split()[0]}, on the same machine ({told})"


def _sqlite() -> str:
    return f"{sqlite3.sqlite_version} (WAL, synchronous=FULL)"


def _pin(name: str) -> str:
    pins = (ROOT / "bench" / "requirements.txt").read_text()
    found = re.search(rf"^{re.escape(name)}(?:\[.*\])?==(\S+)$", pins, re.MULTILINE)
    return found[1] if found else "?"
