"""Mounts that only this process and its children see: empty directories over what is none of their business, with holes for what is.

For a process that may mount and will give up the right to. Sources: mount(2), unshare(2), mount_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from paraduxd.effects.files import looking

_NEWNS = 0x00020000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _SLAVE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 19

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  mounted over

_libc = ctypes.CDLL(None, use_errno=True)


def private_namespace() -> bool:
    """Give the calling thread, and those that it starts later, mounts of their own; what others unmount is unmounted here as well."""
    return not _libc.unshare(_NEWNS) and not _libc.mount(b"none", b"/", None, _REC | _SLAVE, None)


def cover(hidden: Sequence[Path], shown: Sequence[tuple[Path, bool]]) -> None:
    """Put an empty directory over each of `hidden`, with those of `shown` (path, writable) in it that lie there.

    What others keep in memory (/dev/shm) is hidden as well, by memory that only this process sees. Raises `OSError`.
    """
    holes = [
        (path, writable, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path, writable in shown if looking.is_there(path)
    ]
    try:
        _mount(b"tmpfs", SHARED_MEMORY, b"tmpfs", _NOSUID | _NODEV, b"mode=1777")
        for folder in hidden:
            _mount(b"tmpfs", folder, b"tmpfs", _NOSUID | _NODEV | _NOEXEC, b"size=1m,mode=0700")
        for path, writable, opened in holes:
            if any(path.is_relative_to(folder) for folder in (SHARED_MEMORY, *hidden)):
                _hole(path, opened, writable=writable)
        for folder in hidden:
            _mount(None, folder, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | _NOEXEC)
    finally:
        for _, _, opened in holes:
            os.close(opened)


def _hole(path: Path, opened: int, *, writable: bool) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_ISDIR(os.fstat(opened).st_mode):
        path.mkdir(exist_ok=True)
    else:
        path.touch()
    _mount(os.fsencode(f"/proc/self/fd/{opened}"), path, None, _BIND | _REC)
    if not writable:
        _mount(None, path, None, _REMOUNT | _BIND | _RDONLY)


def _mount(source: bytes | None, target: Path, kind: bytes | None, flags: int, options: bytes | None = None) -> None:
    if _libc.mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), options):
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem), str(target))
