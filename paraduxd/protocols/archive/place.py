"""From the directory that an archive was unpacked in to the target: only once everything was unpacked, and by renaming."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

PART = ".paradux-unpacking"
"""In the target, while a restore is under way."""


def begin(target: Path) -> Path:
    """An empty private directory inside the target; what a killed restore left in it goes."""
    folder = target / PART
    remove(folder)
    folder.mkdir(mode=0o700)
    return folder


def drop(folder: Path, unwanted: Sequence[str]) -> None:
    """Remove single files, and the directories that are there because of them only."""
    for path in unwanted:
        with contextlib.suppress(OSError):
            (folder / path).unlink()
            for above in (folder / path).relative_to(folder).parents:
                if above != Path():
                    (folder / above).rmdir()


def count(folder: Path) -> tuple[int, int]:
    """Regular files below a directory (every name counts), and their bytes."""
    files = size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(f"{parent}/{name}")
            if stat.S_ISREG(status.st_mode):
                files, size = files + 1, size + status.st_size
    return files, size


def place(folder: Path, target: Path, *, whole: bool) -> None:
    """Move everything from `folder` into `target`; `whole`: the target gets the mode, owner and times of the dataset's root."""
    status = folder.stat()
    folder.chmod(stat.S_IRWXU)
    for entry in os.scandir(folder):
        remove(target / entry.name)
        _move(Path(entry.path), target / entry.name)
    folder.rmdir()
    if whole:
        if os.geteuid() == 0:
            os.chown(target, status.st_uid, status.st_gid)
        target.chmod(stat.S_IMODE(status.st_mode))
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _move(path: Path, target: Path) -> None:
    """Rename; a directory without write permission cannot change its parent unless one is root."""
    mode = path.lstat().st_mode
    locked = stat.S_ISDIR(mode) and not mode & stat.S_IWUSR
    if locked:
        path.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)
    path.rename(target)
    if locked:
        target.chmod(stat.S_IMODE(mode))


def remove(path: Path) -> None:
    """Remove a file or a directory with all that is in it, read-only directories included; gone already is success."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(stat.S_IRWXU)
    for parent, names, _ in os.walk(path):
        for name in names:
            inner = Path(parent, name)
            if not inner.is_symlink():
                inner.chmod(stat.S_IRWXU)
    shutil.rmtree(path)
