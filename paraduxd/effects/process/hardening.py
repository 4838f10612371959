"""Making a process that holds secrets keep them: locked pages, no dumps, no tracing, no life beyond its parent, memory-only files.

The system calls are in `paraduxd/linux.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import functools
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from paraduxd import linux
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import bounded
from paraduxd.linux import Mount

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a directory of our own is made in it, with mode 0700
_PREFIX = "paradux-keeper-"
_PRIVATE_SIZE = "64m"


def keep_files_private() -> None:
    """What is made from now on is for this user alone, unless a mode is set; whatever the shell that started the daemon allows."""
    os.umask(0o077)


def harden() -> tuple[str, ...]:
    """Lock pages, forbid dumps, tracing and new privileges; gives a plain sentence for each thing that could not be done."""
    keep_files_private()
    linux.no_core_dumps()
    steps: tuple[tuple[Callable[[], None], str], ...] = (
        (linux.no_new_privileges, "programs that the keeper starts can gain privileges"),
        (linux.no_dumps_or_tracing, "the keeper's memory can be dumped"),
        (_lock_memory, "the keeper's memory can be swapped to disk"),
    )
    return tuple(sentence for step, sentence in steps if not _done(step))


def _done(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return False
    return True


def _lock_memory() -> None:
    """Under a low limit, locking future pages would make later allocations fail."""
    if os.geteuid() and resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        raise PermissionError(errno.EPERM, "the limit of locked memory is too low")
    linux.lock_memory()


def private_memory() -> Path:
    """A directory that is never on a disk: a mount that only this process sees where possible, else one in /dev/shm.

    Call it before the process starts threads: the mount is seen by the calling thread and those that it starts later. The mount
    vanishes with the process; a directory in /dev/shm is removed at its end, or by the next `sweep_stale`.
    Raises `ParaduxError` "no-memory-files" when both would be on a disk.
    """
    sweep_stale()
    folder, _ = _new_folder()  # it stays locked for as long as this process lives
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if not (os.geteuid() == 0 and _mount_over(folder)) and not is_memory(folder):
        raise ParaduxError(
            "no-memory-files",
            f"there is no place for files that must not reach a disk: {SHARED_MEMORY} is on one",
            f"mount a file system in memory there: mount -t tmpfs tmpfs {SHARED_MEMORY}",
        )
    return folder


@contextlib.contextmanager
def shared_memory_folder() -> Iterator[Path]:
    """A private directory in /dev/shm while the context lasts; one that a killed process left goes with the next `sweep_stale`.

    For processes with threads, which cannot have a mount of their own. Raises `ParaduxError` "no-memory-files" when it would be on a disk.
    """
    sweep_stale()
    folder, lock = _new_folder()
    try:
        if not is_memory(folder):
            raise ParaduxError("no-memory-files", f"{SHARED_MEMORY} is on a disk", f"mount a tmpfs at {SHARED_MEMORY}")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def private_mounts() -> bool:
    """Give the calling thread, and those that it starts later, a mount namespace of their own; false when that is not possible."""
    return _done(linux.own_mounts)


def _mount_over(folder: Path) -> bool:
    """Mount a file system in memory on the folder, in a mount namespace of our own; never swapped from Linux 6.4 on."""
    if not private_mounts():
        return False
    options = f"size={_PRIVATE_SIZE},mode=0700"
    flags = Mount.NOSUID | Mount.NODEV | Mount.NOEXEC
    return any(
        _done(functools.partial(linux.mount, "tmpfs", folder, "tmpfs", flags, variant))
        for variant in (f"{options},noswap", options)
    )


def is_memory(path: Path) -> bool:
    """Whether a path lies on a file system that is in memory (tmpfs or ramfs), by proc_pid_mountinfo(5)."""
    device = path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = (line.split() for line in bounded.text(Path("/proc/self/mountinfo")).splitlines())
    return any(fields[2] == number and fields[fields.index("-") + 1] in ("tmpfs", "ramfs") for fields in mounts)


def sweep_stale() -> None:
    """Remove what processes of this user left in /dev/shm that were killed.

    A lock tells who lives: not every process sees every other one, and numbers come again.
    """
    for folder in SHARED_MEMORY.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = _opened(folder)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _new_folder() -> tuple[Path, int]:
    """A new private directory in /dev/shm, and a descriptor of it: nobody sweeps it until that is closed. Raises `OSError`."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=SHARED_MEMORY))
        with contextlib.suppress(FileNotFoundError):  # swept already
            lock = _opened(folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
