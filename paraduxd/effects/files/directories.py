"""Directories by descriptor: the one way in which root follows a path that somebody else could rename meanwhile.

A name says where a directory was a moment ago; a descriptor is the directory. So a path of others is walked once, one name after the other,
no link of others is followed, and everybody who could exchange a part of it is looked at (`opened`). What follows goes by the
descriptor: work is done in a fresh directory that nobody else can enter (`Directory.fresh`), and moved to its place when it is whole
(`Directory.move`). Programs get `Directory.path`, which leads through their copy of the descriptor. See openat(2), proc_pid_fd(5).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import removing, renaming

HINT = "give a directory that only root and you can change; a new one below /tmp will do"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40


def trusted(*uids: int) -> frozenset[int]:
    """Who may own what leads to a directory: root, the user of this process, and these."""
    return frozenset({0, os.geteuid(), *uids})


def opened(path: Path, uids: frozenset[int], *, make: bool = False, shared: bool = False) -> Directory:
    """The directory at an absolute path, if nobody but `uids` can put another in its place, or write to it.

    Links are followed where one of `uids` made them. A directory on the way may be one like /tmp, where nobody renames what belongs to
    another; `shared`: so may the last. `make`: what is missing is made, with mode 0700. Raises `ParaduxError` "unsafe-directory" which says
    who could, and `OSError`.
    """
    with _Walk(path, uids, make) as walk:
        walk.go()
        if not shared and (reason := _distrust(walk.at, uids, sticky=False)):
            raise _unsafe(path, path, reason)
        return Directory(os.open(".", _READ, dir_fd=walk.at), path)


def own(path: Path) -> Directory:
    """A directory that nobody else can exchange because of where it is: below one of ours, or reached through a descriptor."""
    return Directory(os.open(path, _READ & ~os.O_NOFOLLOW), path)


_open: set[int] = set()
"""The descriptors of all that are open."""


@dataclass(frozen=True)
class Attributes:
    """What a directory has besides its contents."""

    status: os.stat_result
    extended: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class Directory:
    """An open directory, to be closed; `shown` is what it was called, for sentences."""

    descriptor: int
    shown: Path

    def __post_init__(self) -> None:
        _open.add(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        _open.discard(self.descriptor)
        os.close(self.descriptor)

    @property
    def path(self) -> Path:
        """A path to it for this process, and for programs that inherit the descriptor, whatever it is called by now."""
        return Path(f"/proc/self/fd/{self.descriptor}")

    def status(self) -> os.stat_result:
        """What fstat(2) tells."""
        return os.fstat(self.descriptor)

    def names(self) -> list[str]:
        """What is in it, sorted."""
        return sorted(os.listdir(self.descriptor))  # noqa: PTH208  (a descriptor, not a path)

    def inner(self, name: str) -> Directory:
        """A directory in it, no link; raises `OSError`."""
        return Directory(os.open(_part(name), _READ, dir_fd=self.descriptor), self.shown / name)

    def fresh(self, name: str) -> Directory:
        """A new directory in it that only this user can enter; raises `FileExistsError` when the name is taken.

        Whoever may write here could exchange it before it is open: then it is not ours, not empty, or of another file system.
        """
        return self._made(name, empty=True)

    def claimed(self, name: str) -> Directory | None:
        """As `fresh`, and claimed; `None`: whoever sweeps took it for abandoned before it was, or has made one there since. Raises also
        `OSError`."""
        made = self._made(name, empty=False)
        if made.claim() and self.has(name, made) and not made.names():
            return made
        made.close()
        return None

    def _made(self, name: str, *, empty: bool) -> Directory:
        os.mkdir(_part(name), stat.S_IRWXU, dir_fd=self.descriptor)
        made = self.inner(name)
        if not _is_private(made, self, _OTHERS_WRITE) or (empty and made.names()):
            made.close()
            raise _unsafe(self.shown, self.shown / name, "was exchanged while it was made")
        return made

    def has(self, name: str, opened: Directory) -> bool:
        """Whether this is what an open directory is called here."""
        try:
            found = os.stat(_part(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, opened.status())

    def private(self, name: str) -> Directory | None:
        """What `fresh` made here earlier, with what is in it; `None`: there is no such directory of ours."""
        try:
            found = self.inner(name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            if problem.errno in {errno.ELOOP, errno.EACCES}:
                return None
            raise
        if _is_private(found, self, stat.S_IRWXG | stat.S_IRWXO):
            return found
        found.close()
        return None

    def make(self, name: str) -> Directory:
        """A directory in it, with mode 0700, made unless it is there: for what nobody else can write to."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(_part(name), stat.S_IRWXU, dir_fd=self.descriptor)
        return self.inner(name)

    def read(self, name: str, most: int) -> bytes | None:
        """At most so many bytes of a regular file in it; `None`: there is none."""
        try:
            descriptor = os.open(_part(name), _READ_FILE, dir_fd=self.descriptor)
        except OSError as problem:
            if problem.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:
                return None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor, not a path)
            return file.read(most)

    def write(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """A new file in it, on the disk when this returns; raises `FileExistsError`."""
        with self.create(name) as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def create(self, name: str) -> BinaryIO:
        """A new file in it, to be written; raises `FileExistsError`."""
        descriptor = os.open(_part(name), _WRITE_FILE, 0o600, dir_fd=self.descriptor)
        return open(descriptor, "wb")  # noqa: PTH123  (a descriptor, not a path)

    def replace(self, name: str, new_name: str) -> None:
        """Rename within it, in the place of what has the new name, on the disk when this returns."""
        os.rename(_part(name), _part(new_name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        os.fsync(self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove a file or a link; gone already is success."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_part(name), dir_fd=self.descriptor)

    def move(self, name: str, to: Directory, new_name: str | None = None) -> None:
        """Rename something of the same file system into another directory; raises `FileExistsError` when the name is taken there."""
        new = _part(name if new_name is None else new_name)
        with _unlocked(self.descriptor, _part(name)) as locked:
            renaming.rename(name, new, self.descriptor, to.descriptor)
        if locked:
            _chmod(to.descriptor, new, locked)

    def exchange(self, name: str, to: Directory, is_expected: Callable[[os.stat_result], bool]) -> None:
        """Put a file of the same file system in the place of one of the same name in another directory, if that is what is expected.

        Raises `FileExistsError` when it is not.
        """
        renaming.replace(_part(name), self.descriptor, to.descriptor, is_expected)

    def remove(self, name: str) -> None:
        """Remove a file, or a directory with all that is in it; gone already is success. No link is followed, no mount is entered."""
        with contextlib.suppress(FileNotFoundError):
            removing.remove(self.descriptor, _part(name), self.status().st_dev)

    def claim(self) -> bool:
        """Keep it for this process until it is closed; `False`: another one has it."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Everything below it that is no directory: relative path, and descriptor of its directory with its name there."""
        for folder, _, names, descriptor in os.fwalk(".", dir_fd=self.descriptor):
            for name in names:
                yield os.path.normpath(f"{folder}/{name}"), descriptor, name

    def give_contents(self, owners: Mapping[int, tuple[int, int]]) -> None:
        """Let what is in it belong to others: uid -> new uid and gid (-1 for a uid: all others; as a gid: it stays). No link is followed.

        Set-user-ID bits, which were for the earlier owner, go. For a directory that nobody else can enter. Raises `PermissionError`.
        """
        for _, folders, names, descriptor in os.fwalk(".", dir_fd=self.descriptor):
            for name in (*folders, *names):
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                new = owners.get(status.st_uid, owners.get(-1))
                if new is not None:
                    os.chown(name, *new, dir_fd=descriptor, follow_symlinks=False)
                if new is not None and not stat.S_ISLNK(status.st_mode):
                    mode = stat.S_IMODE(status.st_mode) & ~(stat.S_ISUID | stat.S_ISGID)
                    Path(f"/proc/self/fd/{descriptor}/{name}").chmod(mode)

    def attributes(self) -> Attributes:
        """Mode, owner, times and extended attributes."""
        with contextlib.suppress(OSError):  # where the file system has none
            names = os.listxattr(self.descriptor)
            return Attributes(self.status(), {name: os.getxattr(self.descriptor, name) for name in names})
        return Attributes(self.status())

    def take(self, attributes: Attributes) -> None:
        """Take the attributes of another directory: the owner as root only, extended ones as far as this file system has them."""
        status = attributes.status
        with contextlib.suppress(PermissionError):  # FAT keeps neither
            if os.geteuid() == 0:
                os.fchown(self.descriptor, status.st_uid, status.st_gid)
            os.fchmod(self.descriptor, stat.S_IMODE(status.st_mode))
        for name, value in attributes.extended.items():
            with contextlib.suppress(OSError):
                os.setxattr(self.descriptor, name, value)
        os.utime(self.descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))

    def unlock(self) -> None:
        """Let its owner do everything in it, and nobody else anything."""
        with contextlib.suppress(PermissionError):  # FAT keeps no modes
            os.fchmod(self.descriptor, stat.S_IRWXU)


def _part(name: str) -> str:
    """A name in a directory, and no way through it."""
    if name in {"", ".", ".."} or "/" in name:
        raise ValueError("not a name in a directory")
    return name


def descriptor_in(path: Path | str) -> tuple[int, ...]:
    """The descriptor of the open `Directory` that a path leads through, for a program that is given it; none in any other path."""
    parts = Path(path).parts
    if parts[:4] != ("/", "proc", "self", "fd") or len(parts) < 5:
        return ()
    return tuple(descriptor for descriptor in _open if str(descriptor) == parts[4])


@dataclass
class _Walk:
    """From the root to where a path leads. `at` is an open directory, `here` what it is called."""

    path: Path
    uids: frozenset[int]
    make: bool
    at: int = -1
    here: Path = Path("/")
    ahead: deque[str] = field(default_factory=deque)
    links: int = 0

    def __enter__(self) -> Self:
        self.at = os.open("/", _LOOK | os.O_DIRECTORY)
        self.ahead.extend(self.path.parts[1:])
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.at)

    def go(self) -> None:
        if not self.path.is_absolute():
            raise OSError(errno.EINVAL, "not an absolute path")
        self._judge(self.at, self.here)
        while self.ahead:
            self._step(self.ahead.popleft())

    def _step(self, name: str) -> None:
        found = self._look(name)
        step = self.here / name
        try:
            self._judge(found, step)
            if stat.S_ISLNK(os.fstat(found).st_mode):
                self._follow(os.readlink("", dir_fd=found))
                return
            self._go_to(os.open(".", _LOOK | os.O_DIRECTORY, dir_fd=found), step)
        finally:
            os.close(found)

    def _look(self, name: str) -> int:
        try:
            return os.open(name, _LOOK, dir_fd=self.at)
        except FileNotFoundError:
            if not self.make:
                raise
        os.mkdir(name, stat.S_IRWXU, dir_fd=self.at)
        return os.open(name, _LOOK | os.O_DIRECTORY, dir_fd=self.at)

    def _follow(self, target: str) -> None:
        self.links += 1
        if self.links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        self.ahead.extendleft(reversed([part for part in target.split("/") if part not in {"", "."}]))
        if target.startswith("/"):
            self._go_to(os.open("/", _LOOK | os.O_DIRECTORY), Path("/"))

    def _go_to(self, descriptor: int, step: Path) -> None:
        os.close(self.at)
        self.at, self.here = descriptor, step

    def _judge(self, descriptor: int, step: Path) -> None:
        if reason := _distrust(descriptor, self.uids, sticky=True):
            raise _unsafe(self.path, step, reason)


def _distrust(descriptor: int, uids: frozenset[int], *, sticky: bool) -> str:
    """Why others than `uids` could change what is there; `sticky`: not by what they may make in a directory like /tmp."""
    status = os.fstat(descriptor)
    if status.st_uid not in uids:
        return f"belongs to user {status.st_uid}"
    if stat.S_ISLNK(status.st_mode) or (sticky and status.st_mode & stat.S_ISVTX):
        return ""
    return "may be written by others" if status.st_mode & _OTHERS_WRITE else ""


def _unsafe(path: Path, step: Path, reason: str) -> ParaduxError:
    what = f"{path} {reason}" if step == path else f"{step}, on the way to {path}, {reason}"
    return ParaduxError("unsafe-directory", what, HINT)


def _is_private(found: Directory, where: Directory, forbidden: int) -> bool:
    """Whether it is ours, of the same file system, and has none of the `forbidden` bits: one like FAT may show some to everybody."""
    status = found.status()
    return status.st_uid == os.geteuid() and not status.st_mode & forbidden and status.st_dev == where.status().st_dev


@contextlib.contextmanager
def _unlocked(parent: int, name: str) -> Iterator[int]:
    """A directory can change its parent only while its owner may write to it; gives the mode to be set again, or 0."""
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    locked = stat.S_ISDIR(status.st_mode) and not status.st_mode & stat.S_IWUSR
    if not locked:
        yield 0
        return
    mode = stat.S_IMODE(status.st_mode)
    _chmod(parent, name, mode | stat.S_IWUSR)
    try:
        yield mode
    except BaseException:
        _chmod(parent, name, mode)
        raise


def _chmod(parent: int, name: str, mode: int) -> None:
    """Change the mode of a directory, and of nothing else that may lie there instead."""
    looked = os.open(name, _LOOK | os.O_DIRECTORY, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{looked}").chmod(mode)
    finally:
        os.close(looked)
