"""Which database a test needs, and a PostgreSQL server of its own that it may stop."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

needs_postgres = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="a fault of PostgreSQL"
)
needs_sqlite = pytest.mark.skipif(
    os.environ.get("DATABASE_URL", "sqlite").startswith("postgres"), reason="a fault of SQLite"
)


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
    host: str
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def running(
        cls, host: str = "127.0.0.1", settings: Mapping[str, str] | None = None
    ) -> Iterator[PrivatePostgres]:
        """Initialised and started, in a folder of its own: pytest's are closed to all but root.

        `host`: the address to listen on; whoever reaches it is let in.
        `settings`: what differs from the server's own.
        """
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError("no initdb on this machine")
        with socket.create_server((host, 0)) as probe:
            port = probe.getsockname()[1]
        folder = Path(tempfile.mkdtemp(prefix="taskrunner-postgres-"))
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        server = cls(
            folder=folder, binaries=binaries, host=host, port=port, settings=settings or {}
        )
        try:
            server._run("initdb", "-D", str(server.data), "-A", "trust", "-U", "postgres", "-N")
            with (server.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")
            server.start()
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()
            shutil.rmtree(folder)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgres://postgres@{self.host}:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -h {self.host}"
        options += "".join(f" -c {name}={value}" for name, value in self.settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """immediate: as if it had crashed; fast: orderly, connections cut."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout} {done.stderr}"
