"""Files on a stick that is not trusted, below an open directory: bounded, no symbolic link followed, regular files only.

Everything goes through descriptors of directories that were opened without following links, so that nothing on the stick can lead out
of it. Errors are `OSError` as they come; whoever knows which stick it is makes sentences of them.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from paraduxd import linux

MAX_ENTRIES = 200
"""Names that are looked at in one directory."""

MAX_FILES = 64
MAX_FILE = 16 * 1024 * 1024
MAX_BYTES = 32 * 1024 * 1024
"""Of one kit."""

MAX_DEPTH = 2
PATIENCE = 240.0
"""Seconds for reading one kit; a rotten stick repeats each read for long."""

_PIECE = 1 << 18
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN})


@dataclass
class Found:
    """What a folder holds: content by name ("/" between folders), and why something was not read, by name."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    troubles: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """In all files that were read."""
        return sum(map(len, self.files.values()))


def names(folder: int) -> tuple[str, ...]:
    """The names in an open directory, sorted, at most `MAX_ENTRIES`."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            found.append(entry.name)
            if len(found) == MAX_ENTRIES:
                break
    return tuple(sorted(found))


@contextmanager
def entered(folder: int, name: str) -> Iterator[int]:
    """A directory below an open one; raises `OSError`, also for a symbolic link."""
    descriptor = os.open(name, _DIRECTORY, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def content(folder: int, name: str, most: int = MAX_FILE) -> bytes:
    """A regular file; raises `OSError`: EFBIG when it is longer than `most` bytes, ELOOP or EINVAL when it is something else."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        if status.st_size > most:
            raise OSError(errno.EFBIG, "too long")
        pieces = []
        while (piece := os.read(descriptor, _PIECE)) and most >= 0:
            pieces.append(piece)
            most -= len(piece)
        if most < 0:
            raise OSError(errno.EFBIG, "too long")
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def read_kit(root: int, name: str, patience: float = PATIENCE) -> Found:
    """Every file of the folder `name`, as far as it can be read; raises `OSError` when the folder itself cannot."""
    found = Found()
    with entered(root, name) as folder:
        _read(folder, "", found, time.monotonic() + patience)
    return found


def _read(folder: int, prefix: str, found: Found, deadline: float) -> None:
    for name in names(folder):
        path = prefix + name
        if len(found.files) + len(found.troubles) >= MAX_FILES or time.monotonic() > deadline:
            found.troubles[shown(prefix or ".")] = "holds more than a kit does, or reads too slowly"
            return
        if name.startswith("."):  # what operating systems leave
            continue
        try:
            if stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode) and prefix.count("/") + 1 < MAX_DEPTH:
                with entered(folder, name) as inner:
                    _read(inner, f"{path}/", found, deadline)
            else:
                found.files[path] = content(folder, name, min(MAX_FILE, MAX_BYTES - found.bytes))
        except OSError as problem:
            if is_gone(problem):
                raise
            found.troubles[shown(path)] = _trouble(problem)


def is_gone(problem: OSError) -> bool:
    """Whether an error means that the whole stick is gone, and not that something on it is bad."""
    return problem.errno in _GONE


def _trouble(problem: OSError) -> str:
    if problem.errno == errno.EFBIG:
        return "is too long to belong to a kit"
    if problem.errno in (errno.ELOOP, errno.EINVAL):
        return "is not an ordinary file"
    return "cannot be read"


def shown(name: str) -> str:
    """A name from a stick, fit for one line of a report."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])


def write_folder(root: int, name: str, files: Mapping[str, bytes]) -> None:
    """Make the folder with these files, all of it on the medium when this returns. What has this name is removed first."""
    remove(root, name)
    os.mkdir(name, 0o700, dir_fd=root)
    with entered(root, name) as folder:
        for inner in sorted({path.split("/")[0] for path in files if "/" in path}):
            os.mkdir(inner, 0o700, dir_fd=folder)
        # The manifest comes first: one that is cut off shall say whose it is.
        for path in sorted(files, key=lambda path: (path != "kit.json", path)):
            _write_file(folder, path, files[path])
        for inner in sorted({path.split("/")[0] for path in files if "/" in path}):
            with entered(folder, inner) as below:
                os.fsync(below)
        os.fsync(folder)
    linux.sync_file_system(root)


def _write_file(folder: int, path: str, data: bytes) -> None:
    if os.path.normpath(path) != path or path.startswith(("/", "..")) or path.count("/") >= MAX_DEPTH:
        raise ValueError("a kit has a file with a name that leaves its folder")
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder
    )
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def take_place(root: int, new: str, current: str, old: str) -> None:
    """Let the folder `new` become `current` and remove what had that name.

    Where the file system can exchange names there is a whole `current` at every moment; elsewhere, for a moment, only `new` and `old`.
    Each step is on the medium before the next one: FAT writes where a renamed folder begins only with the folder itself, after its name.
    """
    if exists(root, current) and not _exchanged(root, new, current):
        remove(root, old)
        os.rename(current, old, src_dir_fd=root, dst_dir_fd=root)
        linux.sync_file_system(root)
    if not exists(root, current):
        os.rename(new, current, src_dir_fd=root, dst_dir_fd=root)
    linux.sync_file_system(root)
    for left in (new, old):
        remove(root, left)
    linux.sync_file_system(root)


def _exchanged(root: int, one: str, other: str) -> bool:
    """Whether the file system could do that."""
    try:
        linux.exchange_names(root, one, other)
    except OSError:
        return False
    return True


def exists(root: int, name: str) -> bool:
    """Whether there is anything of this name; raises `OSError` where the file system is damaged."""
    try:
        os.lstat(name, dir_fd=root)
    except FileNotFoundError:
        return False
    return True


def remove(root: int, name: str) -> None:
    """Remove a file, or a folder with all that is in it; none there is success. Raises `OSError`."""
    try:
        status = os.lstat(name, dir_fd=root)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        try:
            shutil.rmtree(name, dir_fd=root)
        except RecursionError:
            raise OSError(errno.ELOOP, "folders too deep to be removed") from None
    else:
        os.unlink(name, dir_fd=root)
