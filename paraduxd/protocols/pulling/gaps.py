"""What one pull with rsync could not read or store, as paths below the source."""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.runs import unread
from paraduxd.effects.files.walk import walk_bytes
from paraduxd.effects.tools import rsync
from paraduxd.effects.tools.rsync_complaints import PARTIAL, Complaints, Kind
from paraduxd.protocols.base import PullResult

_FILES = (Kind.UNREAD, Kind.UNWRITTEN, Kind.TOO_LARGE)
_MISSING = (Kind.CLOSED, Kind.REFUSED, *_FILES)
HARMLESS = (*_MISSING, Kind.UNSTORED, Kind.IN_THE_WAY)
"""What does not stop the rest of a pull."""


_FEW = 1000
"""So many paths are left out of a run by a rule for each; rsync compares every file with every rule."""


@dataclass
class Gaps:
    """Adds up what the runs of one pull complain of; true when anything is missing.

    `closed`: paths (of directories, mostly) of which it is not known what they hold; `unplaced`: there are more, and it is not known where.
    """

    source: rsync.Place
    staging: Path
    said: Complaints = field(default_factory=Complaints)
    closed: set[bytes] = field(default_factory=set)
    unplaced: bool = False

    def __bool__(self) -> bool:
        return self.said.count(*_MISSING) > 0

    @property
    def are_few(self) -> bool:
        """Whether the runs that follow can leave out each of them by a rule."""
        return len(self.missing()) <= _FEW

    def missing(self) -> tuple[bytes, ...]:
        """Paths below the source that were not pulled, as far as they are remembered."""
        return self.said.of(*_MISSING)

    def take(self, said: Complaints) -> None:
        """What one more run says. Raises `ParaduxError` "unreadable" when that is the source itself."""
        self.said.merge(said, self._short)
        self.unplaced = self.unplaced or said.overflow.get(Kind.CLOSED, 0) > 0
        for name in said.of(Kind.CLOSED):
            places = places_of(name, self.source.path) or places_of(name, str(self.staging))
            if b"" in places:
                text = f"the source {self.source.name} cannot be read: its directory does not show what it holds"
                raise ParaduxError("unreadable", text, "make it readable for the user that copies")
            self.unplaced = self.unplaced or not places
            self.closed.update(places)
        for name in said.of(Kind.UNREAD, Kind.TOO_LARGE):
            self._sweep(self._short(name))

    def never_copied(self) -> int:
        """How many of the files that could not be copied have no earlier copy either; rsync counts them as created."""
        top = os.fsencode(self.staging)
        return sum(not os.path.lexists(os.path.join(top, name)) for name in self.said.of(*_FILES))  # noqa: PTH118

    def told_in(self, result: PullResult) -> PullResult:
        """The result of a pull with what it could not read or store."""
        kinds = _MISSING if self.are_few else (*_MISSING, Kind.IN_THE_WAY)  # which then stays in the way
        return replace(
            result,
            unread=unread.shown(self.said.of(*kinds)),
            unread_count=self.said.count(*kinds),
            unstored=unread.shown(self.said.of(Kind.UNSTORED)),
            unstored_count=self.said.count(Kind.UNSTORED),
        )

    def _short(self, name: bytes) -> bytes:
        for root in (str(self.staging), self.source.path):
            if posixpath.normpath(root) != "." and (places := places_of(name, root)):
                return places[0]
        return name

    def _sweep(self, name: bytes) -> None:
        """Remove what rsync keeps of a file that it could not read to its end: nothing can be made of it."""
        folder = self.staging / os.fsdecode(posixpath.dirname(name)) / PARTIAL
        with contextlib.suppress(OSError):
            (folder / os.fsdecode(posixpath.basename(name))).unlink()
            folder.rmdir()


def places_of(name: bytes, root: str) -> tuple[bytes, ...]:
    """The paths below the root that rsync can mean by a name; none when it lies outside.

    Where the root is below somebody's login directory, whose own path is not known, all that it can be.
    """
    if not name.startswith(b"/"):
        return (name,)
    if name.endswith(b"/."):
        return (b"",)
    base = posixpath.normpath(root).encode("utf-8", "surrogateescape")
    if base == b".":
        return tuple(name[at + 1 :] for at, each in enumerate(name) if each == ord("/"))
    start = base.rstrip(b"/") + b"/" if base.startswith(b"/") else b"/" + base + b"/"
    if base.startswith(b"/"):
        return (name[len(start) :],) if (name + b"/").startswith(start) else ()
    return tuple((name + b"/")[at + len(start) : -1] for at in _all(name + b"/", start))


def _all(text: bytes, part: bytes) -> list[int]:
    found = [text.find(part)]
    while found[-1] >= 0:
        found.append(text.find(part, found[-1] + 1))
    return found[:-1]


def regular_files(staging: Path, below: bytes = b"") -> tuple[int, int]:
    """Regular files and their bytes at a path of staging and below it."""
    top = os.path.join(os.fsencode(staging), below)  # noqa: PTH118  (bytes)
    files, size = _counted(top)
    for folder, folders, names in walk_bytes(top):
        folders[:] = [name for name in folders if name != PARTIAL.encode()]
        for name in names:
            one, more = _counted(os.path.join(folder, name))  # noqa: PTH118  (a million times)
            files, size = files + one, size + more
    return files, size


def _counted(path: bytes) -> tuple[int, int]:
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0
    return (1, status.st_size) if stat.S_ISREG(status.st_mode) else (0, 0)
