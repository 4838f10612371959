"""Which file systems are mounted, from `/proc/self/mountinfo` (proc(5))."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded

_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2})")

_PASSING = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fuse.gvfsd-fuse fuse.portal fusectl hugetlbfs"
    b" mqueue nsfs overlay proc pstore rpc_pipefs securityfs squashfs sysfs tracefs".split()
)
"""Kinds that hold nobody's data, or come and go with programs (containers, packages, the desktop); `autofs` is what waits to be mounted."""


@dataclass(frozen=True)
class Mount:
    """One mounted file system. `root` is which directory of the file system is to be seen at `point`."""

    number: int
    parent: int
    device: bytes
    root: bytes
    point: bytes
    kind: bytes


def table() -> tuple[Mount, ...]:
    """All mounts that this process sees, oldest first; none where the kernel does not tell."""
    try:
        lines = bounded.content(_TABLE).splitlines()
    except OSError:
        return ()
    return tuple(mount for line in lines if (mount := parse(line)))


def parse(line: bytes) -> Mount | None:
    """The mount of one line; `None` for a line that is none."""
    parts = line.split(b" ")
    try:
        kind = parts[parts.index(b"-", 6) + 1]
        return Mount(int(parts[0]), int(parts[1]), parts[2], _plain(parts[3]), _plain(parts[4]), kind)
    except (ValueError, IndexError):
        return None


def points(mounts: tuple[Mount, ...]) -> frozenset[Path]:
    """Where something is to be seen that would not be there without the mount.

    Left out are the root of all, kinds that come and go, and directories that are bound to themselves (as sandboxes do it).
    """
    numbered = {mount.number: mount for mount in mounts}
    return frozenset(
        Path(os.fsdecode(mount.point))
        for mount in mounts
        if mount.point != b"/" and mount.kind not in _PASSING and not _is_itself(mount, numbered)
    )


def points_around(directory: Path, mounts: tuple[Mount, ...]) -> tuple[Path, ...]:
    """Those of the mount points that lie below a directory, sorted, and the one that it lies on."""
    here = Path(os.path.realpath(directory))
    all_of_them = points(mounts)
    below = sorted(point for point in all_of_them if point != here and point.is_relative_to(here))
    holders = [point for point in all_of_them if here.is_relative_to(point)]
    return (*below, *([max(holders, key=lambda point: len(point.parts))] if holders else []))


def _is_itself(mount: Mount, numbered: dict[int, Mount]) -> bool:
    """Whether the same directory would be seen there without this mount."""
    under = numbered.get(mount.parent)
    if under is None or under.device != mount.device:
        return False
    return posixpath.normpath(posixpath.join(under.root, posixpath.relpath(mount.point, under.point))) == mount.root


def _plain(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), text)
