"""Disks that are plugged in now and then: how they are named, and which file systems are opened.

A place of the plan is "local" (a folder of this machine), a removable disk, or a host.
"""

from __future__ import annotations

import re

LOCAL = "local"
"""The place of everything that is a folder of this machine."""

POSIX = frozenset({"ext4"})
"""File systems that keep owners, permissions and links."""

MOUNTED = frozenset({"vfat", "exfat", *POSIX})
"""File systems of such disks; no other is ever mounted."""

_PLACE = "removable:"
"""What the place of such a disk begins with, in plans and journals."""

_UUID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,63}")


def checked_uuid(text: str) -> str:
    """The UUID itself; raises `ValueError` for what is none. It becomes a part of a path."""
    if not _UUID.fullmatch(text):
        raise ValueError("expected the UUID of a file system, like 1234-ABCD")
    return text


def place_of(uuid: str) -> str:
    """What the limit of transfers per place counts, and where the plan tells the UUID."""
    return _PLACE + uuid


def uuid_of(place: str) -> str:
    """The UUID of the disk that is this place; "" for another place."""
    return place.removeprefix(_PLACE) if place.startswith(_PLACE) else ""


def is_here(place: str) -> bool:
    """Whether it is a folder of this machine or on a removable disk, and not at a host."""
    return place == LOCAL or uuid_of(place) != ""
