"""A disk that can be full: a tmpfs of a few pages, for whoever may mount one."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class CannotMount(Exception):
    """This user, or this container, may not."""


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    path: Path

    @classmethod
    @contextlib.contextmanager
    def mounted(cls, path: Path, size_kb: int) -> Iterator[SmallDisk]:
        """Raises: CannotMount."""
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(path)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotMount(str(error)) from error
        try:
            yield cls(path=path)
        finally:  # lazily: a killed process may still hold a file
            subprocess.run(["umount", "-l", str(path)], check=True)

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self) -> None:
        """To the last byte."""
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)
