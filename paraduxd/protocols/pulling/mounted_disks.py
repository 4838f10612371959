"""Disks that are mounted inside a source, and are away: its directory is there, and looks as if everything in it had been removed.

A good pull remembers which mount points lay inside the source (and the one that it lies on) and had files. When one of them is not mounted
any more, or holds no file at all, the next pull is held, however few files that is, until it is back or the owner approves.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from paraduxd.api.frozen import dataclass
from paraduxd.effects.devices import mount_table
from paraduxd.effects.files.walk import walk_bytes
from paraduxd.protocols.base import HeldError, PullRequest
from paraduxd.protocols.pulling.gaps import regular_files

REASON = "source-mount-missing"


@dataclass(frozen=True)
class Inside:
    """The mounts of one source. `copy` is where the files of the last good pull are: staging, or in place the source itself."""

    root: Path
    copy: Path

    def remembered(self) -> tuple[str, ...]:
        """Mount points with files that were pulled, for the next pull."""
        points = mount_table.points_around(self.root, mount_table.table())
        return tuple(str(point) for point in points if has_files(self._copy_of(point)))

    def away(self, known: tuple[str, ...]) -> tuple[Path, ...]:
        """Those of the known mount points that are mounted no more, or hold no file."""
        gone = not_mounted(known)
        return tuple(point for point in map(Path, known) if point in gone or self._is_empty(point))

    def check(self, request: PullRequest) -> None:
        """Raises `HeldError` when a known mount is away and its files in the copy are more than the owner has approved."""
        away = self.away(request.known_mounts)
        count = sum(regular_files(self._copy_of(point))[0] for point in away)
        if count > request.allowed_removed:
            raise held(away, count)

    def _is_empty(self, point: Path) -> bool:
        """Whether a mount point inside the source holds no file; an empty source is another matter."""
        below = self._below(point)
        return below != Path() and not has_files(self.root / below)

    def _copy_of(self, point: Path) -> Path:
        return self.copy / self._below(point)

    def _below(self, point: Path) -> Path:
        """The mount point's path in the source; of one that the source lies on, all of it."""
        root = Path(os.path.realpath(self.root))
        return point.relative_to(root) if point.is_relative_to(root) else Path()


def not_mounted(known: tuple[str, ...]) -> tuple[Path, ...]:
    """Those of the known mount points at which nothing is mounted."""
    if not known:
        return ()
    for point in known:
        with contextlib.suppress(OSError), os.scandir(point) as entries:
            next(entries, None)  # an automounter mounts what is looked at
    there = mount_table.points(mount_table.table())
    return tuple(point for point in map(Path, known) if point not in there)


def held(away: tuple[Path, ...], count: int) -> HeldError:
    """The hold for mounts that are away, and with them so many files."""
    names = ", ".join(str(point) for point in away[:3]) + (f" and {len(away) - 3} more" if len(away) > 3 else "")
    text = f"what was mounted in the source at {names} is away or empty; {count} files came from there"
    return HeldError(REASON, text, removed=count)


def has_files(folder: Path) -> bool:
    """Whether there is a regular file in a directory, however deep, or something that cannot be read."""
    return any(True for _ in _regular(os.fsencode(folder)))


def _regular(folder: bytes) -> Iterator[bytes]:
    """Regular files below a directory; what cannot be read may be one."""
    unreadable: list[OSError] = []
    for place, _, names in walk_bytes(folder, unreadable.append):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118  (bytes)
            with contextlib.suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path
    yield from (folder for problem in unreadable if not isinstance(problem, FileNotFoundError | NotADirectoryError))
