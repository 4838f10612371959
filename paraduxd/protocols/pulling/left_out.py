"""What a source on this machine leaves out besides its patterns: caches, marked folders, other file systems, large files.

One walk finds them; rsync gets them as literal rules, so that what staging has of them goes, under the guard, as with a pattern that
was added.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paraduxd.effects.files import walk
from paraduxd.effects.tools import rsync

CACHE_TAG = b"CACHEDIR.TAG"
CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""https://bford.info/cachedir/"""


_Entries = list[tuple[bytes, os.stat_result]]


@dataclass(frozen=True)
class LeftOut:
    """`markers`: names of files whose folder is left out, but for the marker; `largest`: bytes of a file that is taken."""

    caches: bool = False
    markers: tuple[str, ...] = ()
    one_file_system: bool = False
    largest: int | None = None

    def __bool__(self) -> bool:
        return self != LeftOut()

    def patterns(self, root: Path) -> list[str]:
        """Patterns of exactly what is left out below a directory, for `rsync.exclusions`."""
        return [rsync.literal(path) for path in self._paths(os.fsencode(root))] if self else []

    def _paths(self, root: bytes) -> Iterator[bytes]:
        device, waiting = os.lstat(root).st_dev, [b""]
        while waiting:
            inner = waiting.pop()
            entries, tag = self._looked(root, inner)
            if tag:
                yield from (inner + name for name, _ in entries if name != tag)
                continue
            for name, status in entries:
                folder = stat.S_ISDIR(status.st_mode)
                if self._leaves_out(status, device):
                    yield inner + name
                elif folder:
                    waiting.append(inner + name + b"/")

    def _looked(self, root: bytes, inner: bytes) -> tuple[_Entries, bytes | None]:
        """What is in a folder, and the file that says that the folder is left out; nothing where it cannot be read: the transfer tells."""
        with contextlib.suppress(OSError), walk.entered(root, inner) as folder:
            entries = _entries(folder)
            return entries, self._tag(folder, [name for name, _ in entries])
        return [], None

    def _leaves_out(self, status: os.stat_result, device: int) -> bool:
        if self.one_file_system and status.st_dev != device:
            return True
        return self.largest is not None and stat.S_ISREG(status.st_mode) and status.st_size > self.largest

    def _tag(self, folder: int, names: Sequence[bytes]) -> bytes | None:
        if self.caches and CACHE_TAG in names and _starts_with(folder, CACHE_TAG, CACHE_SIGNATURE):
            return CACHE_TAG
        return next((each for each in map(os.fsencode, self.markers) if each in names), None)


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
