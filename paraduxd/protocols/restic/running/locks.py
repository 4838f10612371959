"""The locks in a repository: which of them nobody holds any more.

A restic that is killed leaves its lock there, and `restic unlock` judges it by the process number in it. Where another program has that
number by now, the lock stays and the program gets a SIGHUP. Where the holder must not be signalled, as confined transfers must not
signal one another, it counts as dead, loses a lock that it needs, and whoever prunes next removes what it is writing. So we know it
ourselves: each restic of ours keeps a file in the destination's private directory locked for as long as it lives (flock(2), inherited),
and a file that nobody holds names a dead one. Of others a lock is dead when no process has its number, or half an hour old.

What a lock says: `restic cat lock`. restic's own rule: `Stale` in its internal/restic/lock.go.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps
from paraduxd.effects.files import bounded
from paraduxd.effects.process import orphans

STALE_AFTER = timedelta(minutes=30)
"""A living restic writes its lock anew every five minutes."""

_PREFIX = "restic-running-"

_KEPT = 16
"""So many of those that were killed are remembered."""

_LONGEST, _IN_ORDER = 32, b" ended"
"""Bytes of a file, and what stands behind the number of one that has ended by itself."""


@dataclass(frozen=True)
class Lock:
    """Who holds a lock, and since when, or since when anew."""

    host: str
    pid: int
    time: datetime

    @classmethod
    def parsed(cls, text: str) -> Lock:
        """From what `restic cat lock` prints. Raises `ValueError`."""
        told = bounded_json.parse_object(text, "a lock")
        pid = told.get("pid")
        if not isinstance(pid, int):
            raise ValueError("a lock without the number of its process")
        return cls(str(told.get("hostname", "")), pid, timestamps.moment(str(told.get("time", ""))))


class Note:
    """What is kept of one restic. `inherited`: the descriptors that it gets."""

    def __init__(self, *inherited: int) -> None:
        self.inherited = inherited

    def began(self, pid: int) -> None:
        """This is its number."""
        self._write(b"%d" % pid)

    def ended(self, code: int) -> None:
        """Its exit code; negative: the signal that killed it, before it could take its lock away."""
        if code >= 0:
            self._write(_IN_ORDER)

    def close(self) -> None:
        """Only the restic holds it from here on."""
        for descriptor in self.inherited:
            os.close(descriptor)
        self.inherited = ()

    def _write(self, text: bytes) -> None:
        for descriptor in self.inherited:
            with contextlib.suppress(OSError):
                os.write(descriptor, text)


@dataclass(frozen=True)
class _Dead:
    """What is known of one that ended: when it wrote last (Unix time), and whether it ended by itself.

    One that did has taken its lock away, unless the server forbade it.
    """

    time: float
    pid: int
    in_order: bool
    path: Path


@dataclass(frozen=True)
class Running:
    """The restic processes of a destination. `folder`: its private directory; without one nobody remembers them."""

    folder: Path | None = None

    @contextlib.contextmanager
    def one(self) -> Iterator[Note]:
        """Around a restic. Where nothing can be written it is not remembered, and the lock that it may leave counts as a stranger's."""
        try:
            note = Note(self._made())
        except OSError:
            note = Note()
        try:
            yield note
        finally:
            note.close()

    def how_to_remove(self, locks: Iterable[Lock], now: datetime) -> tuple[str, ...] | None:
        """The options of a `restic unlock` that removes no lock which somebody holds; `None`: there is none.

        Of the locks of other machines it removes none that is fresh, unless it is told to remove all.
        """
        fresh = [lock for lock in locks if lock.time > now - STALE_AFTER]
        here = [lock for lock in fresh if lock.host == socket.gethostname()]
        dead = {each.pid for each in self._dead()}
        if any(_exists(lock.pid) and (lock.pid not in dead or _may_be_restic(lock.pid)) for lock in here):
            return None
        if not any(_would_be_signalled(lock.pid) for lock in here):
            return ()
        return ("--remove-all",) if here == fresh else None

    def forget(self) -> None:
        """The locks of dead ones are gone."""
        for each in self._dead():
            _remove(each.path)

    def _made(self) -> int:
        """A new file, locked; its descriptor."""
        if self.folder is None:
            raise FileNotFoundError
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thin_out()
        while True:
            descriptor, _ = tempfile.mkstemp(prefix=_PREFIX, dir=self.folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # who looks at it holds it for a moment
            except OSError:
                os.close(descriptor)
                raise
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # it was taken for that of a dead one

    def _thin_out(self) -> None:
        """Forget those whose locks are gone, or count as dead for everybody."""
        dead, long_ago = self._dead(), time.time() - STALE_AFTER.total_seconds()
        killed = [each for each in dead if not each.in_order]
        for each in (*killed[:-_KEPT], *(each for each in dead if each.in_order and each.time < long_ago)):
            _remove(each.path)

    def _dead(self) -> list[_Dead]:
        """Those that do not live any more, oldest first."""
        if self.folder is None:
            return []
        found = []
        for path in self.folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                told = bounded.content(path, _LONGEST)
                number = int(told.removesuffix(_IN_ORDER) or b"0")
                found.append(_Dead(os.fstat(file.fileno()).st_mtime, number, told.endswith(_IN_ORDER), path))
        return sorted(found, key=lambda each: each.time)


def _remove(path: Path) -> None:
    """Remove the file of a dead one, unless it was only being made: whoever made it waits for this, and sees that it is gone."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        path.unlink()


def _may_be_restic(pid: int) -> bool:
    """Whether the process of this number is a restic that lives, as far as can be seen."""
    process = orphans.seen(pid)
    return process is None or (process.command == "restic" and process.state != "Z")


def _exists(pid: int) -> bool:
    """Whether there is a process of this number, also one that must not be signalled."""
    with contextlib.suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True


def _would_be_signalled(pid: int) -> bool:
    """Whether `restic unlock` reaches such a process, and therefore takes it for the holder."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
