"""A PostgreSQL server of the test's own, which may be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


def find_binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, as Debian or the PATH has them."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@dataclass(kw_only=True)
class PrivatePostgres:
    folder: Path
    binaries: Path
    port: int

    @classmethod
    def create(cls, folder: Path) -> PrivatePostgres:
        """Initialised and started. Raises CalledProcessError with the server's own words."""
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError("no initdb on this machine")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = cls(folder=folder / "postgres", binaries=binaries, port=port)
        server.folder.mkdir()
        if os.getuid() == 0:  # the server refuses to run as root
            for path in (folder, *folder.parents):
                if path == Path(tempfile.gettempdir()):
                    break
                path.chmod(0o755)  # pytest's folders are root's alone
            shutil.chown(server.folder, "postgres", "postgres")
        server._run("initdb", "-D", str(server.data), "-A", "trust", "-U", "postgres", "-N")
        server.start()
        return server

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -h 127.0.0.1"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """immediate: as if it had crashed; fast: orderly, connections cut."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.folder,
        )  # fmt: skip
