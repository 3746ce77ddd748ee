"""The peers' own virtual environment, bench/.venv: nothing of it reaches the project's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.probe import ROOT

_VENV = ROOT / "bench" / ".venv"
_REQUIREMENTS = ROOT / "bench" / "requirements.txt"
_STAMP = _VENV / "installed-requirements.txt"


def peer_program(name: str) -> str:
    """The path of a program in bench/.venv."""
    return str(_VENV / "bin" / name)


def make_environment() -> None:
    """bench/.venv with exactly the pins of bench/requirements.txt; a second call does nothing."""
    if _is_installed():
        return
    sys.stderr.write("Making bench/.venv for the peers (once; it may take a minute) …\n")
    if not Path(peer_program("python")).exists():
        subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
    subprocess.run(
        [peer_program("python"), "-m", "pip", "install", "--quiet", "--no-input",
         "--disable-pip-version-check", "-r", str(_REQUIREMENTS)],
        check=True, stdout=sys.stderr,
    )  # fmt: skip
    shutil.copyfile(_REQUIREMENTS, _STAMP)


def _is_installed() -> bool:
    return _STAMP.exists() and _STAMP.read_bytes() == _REQUIREMENTS.read_bytes()
