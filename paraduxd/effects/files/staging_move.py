"""Moving what was pulled into a staging directory by an earlier version to a directory inside of it, in steps that can be cut off anywhere.

    1. `…-moving` is made, and locked as long as somebody is at work: pushes to several places may begin at once
    2. `…-root` is an empty directory with the attributes that the source's root has: those of the staging directory so far
    3. everything else is renamed into `…-moving`; whatever the names are, a `data` and a marker of the source among them
    4. the marker is written: from now on nothing in the staging directory itself is data
    5. `…-moving` takes the attributes of `…-root`, and is renamed to `data`; `…-root` is removed

The names hold the uid of the staging directory, so that no source has them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files.directories import Directory

_ASIDE = ".{}.paradux-before"
"""As earlier versions called what waits beside the directory `{}` while rclone writes into it (`protocols/pulling/set_aside.py`)."""


@dataclass(frozen=True)
class Names:
    """What is ours in a staging directory while it is moved."""

    moving: str
    root: str
    unfinished_root: str
    unfinished_marker: str


def names(uid: str) -> Names:
    """The names for the staging directory with this uid."""
    return Names(*(f"paradux-{uid}-{part}" for part in ("moving", "root", "making", "marker")))


def has_begun(top: Directory, uid: str) -> bool:
    """Whether somebody moves, or was cut off while moving."""
    return bool({names(uid).moving, names(uid).root} & set(top.names()))


@contextlib.contextmanager
def begun(parent: Directory, top: Directory, uid: str) -> Iterator[Move]:
    """The move, which nobody else makes meanwhile."""
    with _locked(top, names(uid).moving) as moving:
        yield Move(parent, top, moving, names(uid))


@contextlib.contextmanager
def _locked(top: Directory, name: str) -> Iterator[Directory]:
    while True:
        try:
            moving = top.make(name)
        except FileNotFoundError:  # whoever held the lock has finished just now
            continue
        with moving:
            fcntl.flock(moving.descriptor, fcntl.LOCK_EX)
            if top.has(name, moving):
                yield moving
                return


@dataclass(frozen=True)
class Move:
    """One move; `moving` is open and locked. Each step is done at once if it was done before."""

    parent: Directory
    top: Directory
    moving: Directory
    names: Names

    def check(self) -> None:
        """Refuse to move into what a source has put there."""
        status = self.moving.status()
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            text = f"{self.moving.shown} is in the way of what is pulled"
            raise ParaduxError("bad-staging", text, f"see what it is, and move it away: {self.moving.shown}")

    def keep_attributes(self) -> None:
        """Step 2."""
        if self.names.root in self.top.names():
            return
        self.top.remove(self.names.unfinished_root)
        with self.top.fresh(self.names.unfinished_root) as root, contextlib.suppress(OSError):
            root.take(self.top.attributes())  # what cannot be set, the next pull sets, or tells of
        self.top.move(self.names.unfinished_root, self.top, self.names.root)

    def into_data(self) -> None:
        """Step 3. Raises `ParaduxError` "bad-staging" naming what cannot be moved."""
        ours = {self.names.moving, self.names.root, self.names.unfinished_marker}
        for name in self.top.names():
            if name not in ours:
                self._move(name)
        os.fsync(self.moving.descriptor)
        os.fsync(self.top.descriptor)

    def _move(self, name: str) -> None:
        try:
            self.top.move(name, self.moving)
        except OSError as problem:
            path = self.top.shown / name
            text = f"cannot move {path} to {self.top.shown / 'data'}, where data lie from this version on: {problem.strerror}"
            hint = "see what is in its place"
            if problem.errno in {errno.EBUSY, errno.EXDEV}:
                hint = f"it seems to be a mount point: unmount {path}"
            raise ParaduxError("bad-staging", text, hint) from None

    def declare(self, marker: str, data: bytes) -> None:
        """Step 4."""
        self.top.remove(self.names.unfinished_marker)
        self.top.write(self.names.unfinished_marker, data)
        self.top.move(self.names.unfinished_marker, self.top, marker)
        os.fsync(self.top.descriptor)

    def finish(self, data: str) -> None:
        """Step 5; `data`: the last name of what was moved."""
        if data in self.top.names():  # it was cut off just before its end
            os.rmdir(self.names.moving, dir_fd=self.top.descriptor)
        else:
            self._finish(data)
        self.top.remove(self.names.root)
        os.fsync(self.top.descriptor)

    def _finish(self, data: str) -> None:
        if _is_ours(self.parent, aside := _ASIDE.format(self.top.shown.name)):
            self.parent.move(aside, self.top, _ASIDE.format(data))
        if self.names.root in self.top.names():
            with self.top.inner(self.names.root) as root, contextlib.suppress(OSError):
                self.moving.take(root.attributes())
        self.top.move(self.names.moving, self.top, data)


def _is_ours(folder: Directory, name: str) -> bool:
    """Whether it is a directory that nobody else can write to."""
    try:
        status = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    private = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return private and stat.S_ISDIR(status.st_mode)
