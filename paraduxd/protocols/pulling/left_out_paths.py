"""What a source on this machine leaves out: what its patterns fit, caches, marked folders, other file systems, large files.

One walk finds it. rsync gets the patterns as they are, and the rest as literal rules, so that what staging has of them goes, under the
guard, as with a pattern that was added. Where the source is pushed as it lies, engines get the paths.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from paraduxd.core.primitives import rsync_patterns
from paraduxd.core.primitives.left_out_rules import LeftOut
from paraduxd.effects.files import walk
from paraduxd.effects.tools import rsync
from paraduxd.protocols.base import Omitted

CACHE_TAG = b"CACHEDIR.TAG"
CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""https://bford.info/cachedir/"""


_Entries = list[tuple[bytes, os.stat_result]]


def found(what: LeftOut, root: Path) -> Omitted:
    """What is left out below a directory now."""
    if not what:
        return Omitted()
    each = list(_Search(what, root).paths())
    literal = (rsync.literal(path) for path, by_pattern in each if not by_pattern)
    return Omitted((*what.exclude, *literal), frozenset(path for path, _ in each))


class _Search:
    """One walk of a tree."""

    def __init__(self, what: LeftOut, root: Path) -> None:
        self._what = what
        self._root = os.fsencode(root)
        self._fits = rsync_patterns.matcher(what.exclude)
        self._markers = [os.fsencode(name) for name in what.markers]

    def paths(self) -> Iterator[tuple[bytes, bool]]:
        """The uppermost paths that are left out, and whether that is for a pattern."""
        device, waiting = os.lstat(self._root).st_dev, [b""]
        while waiting:
            inner = waiting.pop()
            entries, tag = self._looked(inner)
            if tag:
                yield from ((inner + name, False) for name, _ in entries if name != tag)
                continue
            for name, status in entries:
                path, folder = inner + name, stat.S_ISDIR(status.st_mode)
                if self._fits(path, folder):
                    yield path, True
                elif self._leaves_out(status, device):
                    yield path, False
                elif folder:
                    waiting.append(path + b"/")

    def _looked(self, inner: bytes) -> tuple[_Entries, bytes | None]:
        """What is in a folder, and the file that says that the folder is left out; nothing where it cannot be read: the transfer tells."""
        with contextlib.suppress(OSError), walk.entered(self._root, inner) as folder:
            entries = _entries(folder)
            return entries, self._tag(folder, [name for name, _ in entries])
        return [], None

    def _leaves_out(self, status: os.stat_result, device: int) -> bool:
        if self._what.one_file_system and status.st_dev != device:
            return True
        largest = self._what.largest
        return largest is not None and stat.S_ISREG(status.st_mode) and status.st_size > largest

    def _tag(self, folder: int, names: Sequence[bytes]) -> bytes | None:
        if self._what.caches and CACHE_TAG in names and _starts_with(folder, CACHE_TAG, CACHE_SIGNATURE):
            return CACHE_TAG
        return next((each for each in self._markers if each in names), None)


def _entries(folder: int) -> _Entries:
    """What is in a folder."""
    found = []
    for name in map(os.fsencode, os.listdir(folder)):
        with contextlib.suppress(OSError):
            found.append((name, os.stat(name, dir_fd=folder, follow_symlinks=False)))
    return found


def _starts_with(folder: int, name: bytes, start: bytes) -> bool:
    with contextlib.suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        try:
            return os.read(descriptor, len(start)) == start
        finally:
            os.close(descriptor)
    return False
