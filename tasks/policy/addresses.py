"""Which addresses somebody from outside may make this server call: public ones."""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
# Public by their prefix, and yet a way to somebody's inside: 6to4 and Teredo.
_TUNNELS = [ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32")]


def is_public(address: str) -> bool:
    """Does this address, unwrapped, belong to the public internet?"""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # a scope as in fe80::1%eth0, or no address at all
    if isinstance(ip, IPv6Address):
        inner = _inside(ip)
        return _is_public_ipv6(ip) if inner is None else _is_public_ipv4(inner)
    return _is_public_ipv4(ip)


def literal_address(host: str) -> str | None:
    """The address that `host` itself is, in any spelling (`127.1`, `0x7f.1`, `2130706433`, `①`);
    None for a name that must be looked up."""
    try:
        plain = host.strip("[]").encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        return None
    plain = plain.strip("[]").rstrip(".")
    try:
        return str(ipaddress.ip_address(plain.split("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(plain)) if plain else None
    except OSError:
        return None


def _inside(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is reached by it, if it is only a wrapping."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def _is_public_ipv4(ip: IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_public_ipv6(ip: IPv6Address) -> bool:
    is_tunnel = any(ip in network for network in _TUNNELS)
    return ip in _GLOBAL_IPV6 and ip.is_global and not is_tunnel
