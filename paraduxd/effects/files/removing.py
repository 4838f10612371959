"""Removing trees by descriptor: no link is followed, no other file system entered, and nothing lies too deep."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from paraduxd.effects.files import renaming

_DEEPEST = 64
"""So many directories are open at once."""

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(parent: int, name: str, device: int) -> None:
    """Remove a file, or a directory of this device with all that is in it; raises `OSError`."""
    if _is_directory(parent, name):
        _empty_out(parent, name, device)
        os.rmdir(name, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)


def _is_directory(parent: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _empty_out(parent: int, name: str, device: int) -> None:
    """Remove everything in a directory, however deep: what lies too deep is moved up first."""
    top = _enter(parent, name, device)
    try:
        while names := os.listdir(top):  # noqa: PTH208
            for inner in names:
                with contextlib.suppress(FileNotFoundError):
                    _remove(top, inner, device, top, 1)
    finally:
        os.close(top)


def _remove(parent: int, name: str, device: int, top: int, depth: int) -> None:
    if not _is_directory(parent, name):
        os.unlink(name, dir_fd=parent)
        return
    folder = _enter(parent, name, device)
    try:
        if depth >= _DEEPEST:
            renaming.rename(name, secrets.token_hex(16), parent, top)
            return
        for inner in os.listdir(folder):  # noqa: PTH208
            with contextlib.suppress(FileNotFoundError):
                _remove(folder, inner, device, top, depth + 1)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _enter(parent: int, name: str, device: int) -> int:
    """Open a directory to be emptied, also one that its owner has locked; raises `OSError` for one of another file system."""
    looked = os.open(name, _LOOK, dir_fd=parent)
    try:
        status = os.fstat(looked)
        if status.st_dev != device:
            raise OSError(errno.EBUSY, "another file system is mounted in it")
        if status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            Path(f"/proc/self/fd/{looked}").chmod(stat.S_IRWXU)
        return os.open(".", _READ, dir_fd=looked)
    finally:
        os.close(looked)
