"""The locks in a repository: which of them nobody holds any more.

A restic that is killed leaves its lock there, and `restic unlock` judges it by the process number in it. Where another program has that
number by now, the lock stays and the program gets a SIGHUP. Where the holder must not be signalled, as confined transfers must not
signal one another, it counts as dead, loses a lock that it needs, and whoever prunes next removes what it is writing. So we know it
ourselves: each restic of ours keeps a file in the destination's private directory locked for as long as it lives (flock(2), inherited),
and a file that nobody holds names a dead one. Locks of anybody else are dead when every restic takes them for dead: after half an hour.

What a lock says: `restic cat lock`. restic's own rule: `Stale` in its internal/restic/lock.go.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from paraduxd.api import bounded_json
from paraduxd.api.frozen import dataclass
from paraduxd.effects.files import bounded
from paraduxd.effects.process import orphans

STALE_AFTER = timedelta(minutes=30)
"""A living restic writes its lock anew every five minutes."""

_PREFIX = "restic-running-"

_KEPT, _LONGEST = 16, 32
"""So many files of dead ones are kept, of so many bytes."""


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
        if not isinstance(told.get("pid"), int):
            raise ValueError("a lock without the number of its process")
        return cls(str(told.get("hostname", "")), told["pid"], datetime.fromisoformat(str(told.get("time", ""))))


class Note:
    """What is kept of one restic while it lives, and when it was killed. `inherited`: the descriptors that it gets."""

    def __init__(self, *inherited: int) -> None:
        self.inherited = inherited
        self.in_order = False

    def began(self, pid: int) -> None:
        """This is its number."""
        for descriptor in self.inherited:
            with contextlib.suppress(OSError):
                os.write(descriptor, b"%d" % pid)

    def close(self) -> None:
        """Only the restic holds it from here on."""
        for descriptor in self.inherited:
            os.close(descriptor)
        self.inherited = ()

    def ended(self, code: int) -> None:
        """Its exit code; negative: the signal that killed it, before it could take its lock away."""
        self.in_order = code >= 0


@dataclass(frozen=True)
class Running:
    """The restic processes of a destination. `folder`: its private directory; without one nobody remembers them."""

    folder: Path | None = None

    @contextlib.contextmanager
    def one(self) -> Iterator[Note]:
        """Around a restic. Where nothing can be written it is not remembered, and the lock that it may leave counts as a stranger's."""
        try:
            descriptor, path = self._made()
        except OSError:
            descriptor, path = -1, None
        note = Note(*(descriptor,) if path else ())
        try:
            yield note
        finally:
            note.close()
            if path and note.in_order:
                path.unlink(missing_ok=True)

    def how_to_remove(self, locks: Iterable[Lock], now: datetime) -> tuple[str, ...] | None:
        """The options of a `restic unlock` that removes no lock which somebody holds; `None`: there is none.

        Of the locks of other machines it removes none that is fresh, unless it is told to remove all.
        """
        fresh = [lock for lock in locks if lock.time > now - STALE_AFTER]
        here = [lock for lock in fresh if lock.host == socket.gethostname()]
        dead = {number for number, _ in self._dead()}
        if any(lock.pid not in dead or _may_be_restic(lock.pid) for lock in here):
            return None
        if not any(_would_be_signalled(lock.pid) for lock in here):
            return ()
        return ("--remove-all",) if here == fresh else None

    def forget(self) -> None:
        """The locks of dead ones are gone."""
        for _, path in self._dead():
            path.unlink(missing_ok=True)

    def _made(self) -> tuple[int, Path]:
        """A new file, locked."""
        if self.folder is None:
            raise FileNotFoundError
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _, path in self._dead()[:-_KEPT]:
            path.unlink(missing_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=self.folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor, Path(name)

    def _dead(self) -> list[tuple[int, Path]]:
        """Numbers and files of those that do not live any more, oldest first."""
        if self.folder is None:
            return []
        found = []
        for path in self.folder.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                found.append((os.fstat(file.fileno()).st_mtime, int(bounded.content(path, _LONGEST)), path))
        return [(number, path) for _, number, path in sorted(found)]


def _may_be_restic(pid: int) -> bool:
    """Whether the process of this number lives and is a restic, as far as can be seen."""
    if not _exists(pid):
        return False
    process = orphans.seen(pid)
    return process is None or (process.command == "restic" and process.state != "Z")


def _exists(pid: int) -> bool:
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
