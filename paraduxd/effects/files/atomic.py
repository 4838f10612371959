"""Files that are whole or not there at all, also after a loss of power."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from paraduxd import linux
from paraduxd.api.errors import TransientError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers that mean: no room for these bytes."""


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace (or make) a file; it holds the old or the new content, never half of one.

    Raises `TransientError` "disk-full", which says how many bytes are missing, and `OSError` for all else.
    """
    try:
        _write_and_rename(path, data, mode)
    except OSError as problem:
        if problem.errno not in FULL:
            raise
        raise disk_full(f"write {path}", path.parent, len(data)) from None
    linux.sync_directory(path.parent)


def _write_and_rename(path: Path, data: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sync_and_forget(path: Path) -> None:
    """Put a file on the disk and drop it from the cache, so that what is read next comes from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def disk_full(action: str, folder: Path, needed: int) -> TransientError:
    """The error for `needed` bytes that do not fit in; `action` is what could not be done."""
    missing = needed - _free_bytes(folder)
    why = f"{missing} bytes are missing" if missing > 0 else f"{needed} bytes do not fit (a quota, or a size limit)"
    return TransientError(
        "disk-full",
        f"cannot {action}: the disk is full, {why}; nothing was changed",
        f"make room on the disk of {folder}",
    )


def _free_bytes(folder: Path) -> int:
    system = os.statvfs(folder)
    return system.f_frsize * (system.f_bfree if os.geteuid() == 0 else system.f_bavail)
