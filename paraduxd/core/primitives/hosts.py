"""Names and addresses of hosts: in one form, and whether one is this machine."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

HOST_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
USER_NAME = r"[A-Za-z0-9_][A-Za-z0-9._@+-]*"
"""Patterns of what a name of a host, and of an account there, may be: nothing that a program could take for something else."""

_HOST = re.compile(rf"{HOST_NAME}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_USER = re.compile(USER_NAME)

_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
_LOOPBACK = re.compile(r"127(\.[0-9]+){0,3}")


def is_host(text: str) -> bool:
    """Whether it can be the name or an address of a host; an IPv6 address without brackets."""
    return _HOST.fullmatch(text) is not None


def is_user(text: str) -> bool:
    """Whether it can be the name of an account."""
    return _USER.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def host_of(place: str) -> str:
    """The host of a place, in the form in which two of them are compared."""
    return place.lower().strip("[]").rstrip(".")


@lru_cache(maxsize=4096)
def is_loopback(host: str, own_names: frozenset[str] = frozenset()) -> bool:
    """Whether the host, as `host_of` gives it, is this machine."""
    if host in own_names or host in _LOOPBACK_NAMES or host.endswith(".localhost") or _LOOPBACK.fullmatch(host):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified or str(mapped) in own_names
