"""Mounts that only this process and its children see: empty directories over what is none of their business, with holes for what is.

For a process that may mount and will give up the right to. Source: mount_namespaces(7).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from paraduxd import linux
from paraduxd.effects.files import existence
from paraduxd.linux import Mount

_NO_PROGRAMS = Mount.NOSUID | Mount.NODEV | Mount.NOEXEC
_READ_ONLY = Mount.REMOUNT | Mount.BIND | Mount.RDONLY

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  mounted over


def private_namespace() -> bool:
    """Give the calling thread, and those that it starts later, mounts of their own; what others unmount is unmounted here as well."""
    try:
        linux.own_mounts(Mount.SLAVE)
    except OSError:
        return False
    return True


def cover(hidden: Sequence[Path], shown: Sequence[tuple[Path, bool]]) -> None:
    """Put an empty directory over each of `hidden`, with those of `shown` (path, writable) in it that lie there.

    What others keep in memory (/dev/shm) is hidden as well, by memory that only this process sees. Raises `OSError`.
    """
    holes = [
        (path, writable, os.open(path, os.O_PATH | os.O_CLOEXEC))
        for path, writable in shown
        if existence.is_there(path)
    ]
    try:
        linux.mount("tmpfs", SHARED_MEMORY, "tmpfs", Mount.NOSUID | Mount.NODEV, "mode=1777")
        for folder in hidden:
            linux.mount("tmpfs", folder, "tmpfs", _NO_PROGRAMS, "size=1m,mode=0700")
        for path, writable, opened in holes:
            if any(path.is_relative_to(folder) for folder in (SHARED_MEMORY, *hidden)):
                _hole(path, opened, writable=writable)
        for folder in hidden:
            linux.mount("", folder, "", _READ_ONLY | _NO_PROGRAMS)
    finally:
        for _, _, opened in holes:
            os.close(opened)


def _hole(path: Path, opened: int, *, writable: bool) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_ISDIR(os.fstat(opened).st_mode):
        path.mkdir(exist_ok=True)
    else:
        path.touch()
    linux.mount(f"/proc/self/fd/{opened}", path, "", Mount.BIND | Mount.REC)
    if not writable:
        linux.mount("", path, "", _READ_ONLY)
