"""Hosts on one machine: network namespaces, cabled to a database and to a provider.

Each host has two cables, and either can be pulled: packets are then lost without a word, as when a
switch dies. Only root may lay them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cable = Literal["database", "provider"]

_ENTER = 'hostname "$0"; exec "$@"'


class CannotLay(Exception):
    """This user, or this container, may not."""


@dataclass(frozen=True, kw_only=True)
class Host:
    name: str
    namespace: str
    folder: Path
    cables: dict[Cable, str]

    def wrap(self, *command: str) -> list[str]:
        """The command as it runs on this host."""
        inside = ["ip", "netns", "exec", self.namespace, "unshare", "--uts"]
        return [*inside, "sh", "-c", _ENTER, self.name, *command]

    def pull(self, cable: Cable) -> None:
        _ip("link", "set", self.cables[cable], "down")

    def plug(self, cable: Cable) -> None:
        _ip("link", "set", self.cables[cable], "up")


@dataclass(kw_only=True)
class Network:
    """Two bridges, whose addresses are where the database and the provider listen."""

    folder: Path
    _id: str = field(default_factory=lambda: secrets.token_hex(2))
    _subnet: int = field(default_factory=lambda: 64 + os.getpid() % 128)
    hosts: list[Host] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def laid(cls, folder: Path) -> Iterator[Network]:
        """Raises: CannotLay."""
        network = cls(folder=folder)
        try:
            for cable in network._bridges:
                _ip("link", "add", network._bridges[cable], "type", "bridge")
                _ip("addr", "add", f"{network.address(cable)}/24", "dev", network._bridges[cable])
                _ip("link", "set", network._bridges[cable], "up")
            yield network
        finally:
            for host in network.hosts:
                _ip("netns", "delete", host.namespace)
            for bridge in network._bridges.values():
                with contextlib.suppress(CannotLay):
                    _ip("link", "delete", bridge)

    @property
    def _bridges(self) -> dict[Cable, str]:
        return {"database": f"tr{self._id}d", "provider": f"tr{self._id}p"}

    def address(self, cable: Cable, host: int = 1) -> str:
        return f"10.{self._subnet}.{1 if cable == 'database' else 2}.{host}"

    def add_host(self, name: str) -> Host:
        number = len(self.hosts) + 1
        namespace = f"tr{self._id}-{name}"
        ends: dict[Cable, str] = {
            "database": f"tr{self._id}d{number}",
            "provider": f"tr{self._id}p{number}",
        }
        host = Host(name=name, namespace=namespace, folder=self.folder / name, cables=ends)
        host.folder.mkdir()
        _ip("netns", "add", namespace)
        self.hosts.append(host)
        _ip("-n", namespace, "link", "set", "lo", "up")
        for cable, end in ends.items():
            _ip("link", "add", end, "type", "veth", "peer", "name", cable, "netns", namespace)
            _ip("link", "set", end, "master", self._bridges[cable], "up")
            address = f"{self.address(cable, 10 + number)}/24"
            _ip("-n", namespace, "addr", "add", address, "dev", cable)
            _ip("-n", namespace, "link", "set", cable, "up")
        return host


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotLay("no `ip` here; install Debian's iproute2") from error
    except subprocess.CalledProcessError as error:
        raise CannotLay(f"ip {' '.join(arguments)}: {error.stderr.strip()}") from error
