"""The names of all files of a version: written while it is made, read to restore a part of it.

One record per entry, ended by a NUL byte, in no particular order: a kind, a space, the path relative to the dataset's root, as bytes.
The kind is `d` (directory), `f` (regular file), `o` (anything else), or `h` and a number: regular files with the same number are one
file with several names. At the end come those that could not be read: `x`, and `z` for a file that is in the run with zeros in place of
what could not be read.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import DIRECTORY, FILE, OTHER, Entry
from paraduxd.effects.files import walk
from paraduxd.effects.tools import gnu_find, tar

_RECORD = re.compile(rb"([^\0]*)\0")
_UNREAD = re.compile(rb"(?<![^\0])([xz]) ([^\0]*)\0")

_KINDS = {b"d": DIRECTORY, b"f": FILE, b"h": FILE, b"o": OTHER}


@dataclass
class Collecting:
    """The names of all files of a version while they are collected; `files` and `size` are known once all of them are."""

    _walk: gnu_find.Walk
    files: int = 0
    size: int = 0

    def expected(self, more: int) -> int:
        """The bytes of all files of one name, and so many more for each; 0 while the names are still being collected."""
        if not self._walk.has_ended():
            return 0
        self._walk.finish()
        return self._walk.size + more * self._walk.files

    def finish(self, out: IO[bytes]) -> None:
        """Wait for the last name, count, and write the names of files that have several."""
        self._walk.finish()
        self.files, self.size = self._walk.files, self._walk.size
        numbers: dict[bytes, int] = {}
        for linked in self._walk.linked():
            out.write(b"h%d %b\0" % (numbers.setdefault(linked.file, len(numbers)), linked.name))
            self.files, self.size = self.files + 1, self.size + linked.size


@contextlib.contextmanager
def collected(folder: Path, names: int) -> Iterator[Collecting]:
    """Writes the names of everything below `folder`, compressed, to the descriptor `names`, while the context lasts."""
    with tar.compressed(names) as out, gnu_find.names(folder, out.fileno()) as names_of:
        yield (collecting := Collecting(names_of))
        collecting.finish(out)


def write_unread(folder: Path, unread: Iterable[bytes], padded: Collection[bytes], out: IO[bytes]) -> tuple[int, int]:
    """Write what could not be read, `padded` of it not to the end; gives the files and bytes of it that were counted as if it had been."""
    files = size = 0
    for path in unread:
        out.write(b"%b %b\0" % (b"z" if path in padded else b"x", path))
        with contextlib.suppress(OSError):
            status = os.lstat(os.fsencode(folder) + b"/" + path)
            if stat.S_ISREG(status.st_mode):
                files, size = files + 1, size + status.st_size
    return files, size


@dataclass(frozen=True)
class Selection:
    """What to unpack so that the wanted paths come out whole, and which of it was not wanted: other names of the same files."""

    unpack: tuple[str, ...]
    unwanted: tuple[str, ...]


def select(names: bytes, paths: Sequence[str]) -> Selection:
    """What `paths` (relative, directories with what is in them) mean; raises `ParaduxError` "not-found" for one that is not there."""
    wanted = {os.fsencode(path) for path in paths}
    present, links = _scan(names, wanted)
    unread = _unread(names)
    for path in paths:
        if any(above in unread for above in _above(os.fsencode(path))):
            text = f"{path!r} could not be read when this version was made, so it is not in it"
            raise ParaduxError("not-found", text, "see another version: paraductl versions DATASET")
        if os.fsencode(path) not in present:
            raise ParaduxError("not-found", f"there is no {path!r} in this version", "see: paraductl versions DATASET")
    more = sorted(os.fsdecode(path) for path in links)
    return Selection((*dict.fromkeys(paths), *more), tuple(more))


def below(names: bytes, paths: Sequence[str]) -> set[bytes]:
    """The directories and files that a restore of these paths gives."""
    wanted, gone = {os.fsencode(path) for path in paths}, _unread(names)
    found = set[bytes]()
    for record in _records(names):
        kind, _, path = record.partition(b" ")
        if kind[:1] in b"dfh" and path not in gone and any(above in wanted for above in _above(path)):
            found.add(path)
    return found


def unpacked_below(folder: Path, names: bytes, paths: Sequence[str]) -> set[bytes]:
    """Those that lie in a folder now."""
    wanted, gone = {os.fsencode(path) for path in paths}, _unread(names)
    return {
        path
        for path, status in walk.entries(folder)
        if (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
        and path not in gone
        and any(above in wanted for above in _above(path))
    }


def entries(names: bytes) -> Iterable[Entry]:
    """What can be restored of a version."""
    gone = _unread(names)
    for record in _records(names):
        kind, _, path = record.partition(b" ")
        if path and path not in gone and (named := _KINDS.get(kind[:1])):
            yield Entry(os.fsdecode(path), named)


def padded(names: bytes) -> tuple[str, ...]:
    """The files that are not to be restored, because they are not in the run to their end."""
    return tuple(os.fsdecode(match[2]) for match in _UNREAD.finditer(names) if match[1] == b"z")


def _unread(names: bytes) -> frozenset[bytes]:
    return frozenset(match[2] for match in _UNREAD.finditer(names))


def _records(names: bytes) -> Iterator[bytes]:
    """One after the other: all at once would take three times the memory of the names."""
    return (match[1] for match in _RECORD.finditer(names))


def _scan(names: bytes, wanted: set[bytes]) -> tuple[set[bytes], list[bytes]]:
    """The wanted paths that are there, and the names outside of them of files that have one inside."""
    present: set[bytes] = set()
    inside: set[bytes] = set()
    outside: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for record in _records(names):
        kind, _, path = record.partition(b" ")
        if path in wanted:
            present.add(path)
        if kind.startswith(b"h"):
            if any(above in wanted for above in _above(path)):
                inside.add(kind)
            else:
                outside[kind].append(path)
    return present, [path for kind in inside for path in outside[kind]]


def _above(path: bytes) -> Iterable[bytes]:
    """The path and all directories above it."""
    while path:
        yield path
        path = path.rpartition(b"/")[0]
