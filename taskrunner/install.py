"""Makes `.venv` and installs pinned requirements into it, then becomes the command that follows.

Run by the machine's own Python before anything is installed, so it knows the standard library only:
`python install.py FILE … -- COMMAND …`. It speaks on stderr alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
_IS_USABLE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"


def main() -> None:
    cut = sys.argv.index("--")
    files, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _only_one_installs():
            make_venv()
            for name in files:
                install(ROOT / name)
    except subprocess.CalledProcessError as failure:
        step = " ".join(str(part) for part in failure.cmd[1:4])
        sys.exit(f"Setting up .venv failed at `{step}`; what it said is above.")
    except OSError as failure:
        sys.exit(f"Setting up .venv failed: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
    if command:
        os.execv(command[0], command)  # noqa: S606 - the caller's own command line


def make_venv() -> None:
    """`.venv` with a recent Python and pip; one that is broken or too old is made anew."""
    if _is_usable():
        return
    _say("Making .venv …")
    if VENV.exists():
        shutil.rmtree(VENV.resolve())
    _call(sys.executable, "-m", "venv", str(VENV.resolve()))


def install(requirements: Path) -> None:
    """Bring `.venv` to exactly these pins; a copy of the file tells later starts that it was."""
    stamp = VENV / f"installed-{requirements.name}"
    if stamp.is_file() and stamp.read_bytes() == requirements.read_bytes():
        return
    _say(f"Installing {requirements.name} (once; it may take a minute) …")
    _call(
        str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check",
        "--no-input", "-r", str(requirements),
    )  # fmt: skip
    shutil.copyfile(requirements, stamp)


def _is_usable() -> bool:
    try:
        probe = subprocess.run(  # noqa: S603 - our own words
            [PYTHON, "-c", _IS_USABLE], capture_output=True, check=False
        )
    except OSError:
        return False
    return probe.returncode == 0


@contextmanager
def _only_one_installs() -> Iterator[None]:
    """Two starts at once on a fresh clone: the second waits, and finds the work done."""
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    with (folder / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _call(*command: str) -> None:
    """Run a step to its end; being told to leave ends the step too."""
    with subprocess.Popen(  # noqa: S603 - our own words
        command, stdout=sys.stderr, stdin=subprocess.DEVNULL
    ) as step:
        try:
            code = step.wait()
        except BaseException:
            step.terminate()
            raise
    if code:
        raise subprocess.CalledProcessError(code, command)


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
