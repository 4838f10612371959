"""What this machine is called: its host names, and the addresses of its interfaces.

Nobody is asked over the network: names come from the kernel and /etc/hosts, addresses from the kernel's tables in /proc/net (proc(5)).
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from pathlib import Path

REMEMBERED = 60.0
"""Seconds; names and addresses change seldom, and status is asked for often."""

HOSTS, IPV4, IPV6 = Path("/etc/hosts"), Path("/proc/net/fib_trie"), Path("/proc/net/if_inet6")

_known: tuple[float, frozenset[str]] | None = None


def found() -> frozenset[str]:
    """All of them, in lower case."""
    global _known  # noqa: PLW0603  one machine, one cache
    if _known is None or time.monotonic() - _known[0] > REMEMBERED:
        names = (*_names(socket.gethostname()), *in_hosts(_text(HOSTS)), *ipv4(_text(IPV4)), *ipv6(_text(IPV6)))
        _known = (time.monotonic(), frozenset(filter(None, names)))
    return _known[1]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _names(host: str) -> Iterator[str]:
    name = host.lower().rstrip(".")
    short = name.partition(".")[0]
    yield from (name, short, f"{short}.local" if short else "")


def in_hosts(text: str) -> Iterator[str]:
    """The names of hosts(5) that stand for a loopback address."""
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if address.startswith("127.") or address == "::1":
            yield from (name.lower().rstrip(".") for name in names)


def ipv4(text: str) -> Iterator[str]:
    """The local addresses of /proc/net/fib_trie: each is followed by a line "/32 host LOCAL"."""
    address = ""
    for line in text.splitlines():
        if "|--" in line:
            address = line.rpartition(" ")[2].strip()
        elif line.strip() == "/32 host LOCAL":
            yield address


def ipv6(text: str) -> Iterator[str]:
    """The addresses of /proc/net/if_inet6: 32 hex digits at the beginning of each line."""
    for line in text.splitlines():
        digits = line.partition(" ")[0]
        if len(digits) == len("0" * 32):
            yield str(ipaddress.IPv6Address(int(digits, 16)))
