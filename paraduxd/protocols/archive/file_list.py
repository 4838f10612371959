"""The names of all files of a version: written while it is made, read to restore a part of it.

One record per entry, ended by a NUL byte, in no particular order: a kind, a space, the path relative to the dataset's root, as bytes.
The kind is `d` (directory), `f` (regular file), `o` (anything else), or `h` and a number: regular files with the same number are one
file with several names. At the end come those that could not be read: `x`, and `z` for a file that is in the run with zeros in place of
what could not be read.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import DIRECTORY, FILE, OTHER, Entry

_KINDS = {b"d": DIRECTORY, b"f": FILE, b"h": FILE, b"o": OTHER}


@dataclass
class Walked:
    """How many regular files were found, and their bytes together."""

    files: int = 0
    size: int = 0
    _links: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    def kind(self, status: os.stat_result) -> bytes:
        """The kind of an entry, which is counted; nothing for a socket, which cannot be packed."""
        if not stat.S_ISREG(status.st_mode):
            return b"d" if stat.S_ISDIR(status.st_mode) else b"" if stat.S_ISSOCK(status.st_mode) else b"o"
        self.files += 1
        self.size += status.st_size
        if status.st_nlink == 1:
            return b"f"
        return b"h%d" % self._links.setdefault((status.st_dev, status.st_ino), len(self._links))


def write(folder: Path, out: IO[bytes]) -> Walked:
    """Write the names of everything below `folder`; what vanishes meanwhile, or cannot be entered, is left out."""
    walked = Walked()
    waiting = [b""]
    while waiting:
        inner = waiting.pop()
        for name, status in _entries(os.fsencode(folder) + b"/" + inner):
            if kind := walked.kind(status):
                out.write(b"%b %b%b\0" % (kind, inner, name))
            if kind == b"d":
                waiting.append(b"%b%b/" % (inner, name))
    return walked


def write_unread(folder: Path, unread: Iterable[bytes], padded: Collection[bytes], out: IO[bytes]) -> Walked:
    """Write what could not be read, `padded` of it not to the end; gives how much of it was counted as if it had been."""
    uncounted = Walked()
    for path in unread:
        out.write(b"%b %b\0" % (b"z" if path in padded else b"x", path))
        with contextlib.suppress(OSError):
            uncounted.kind(os.lstat(os.fsencode(folder) + b"/" + path))
    return uncounted


def _entries(folder: bytes) -> list[tuple[bytes, os.stat_result]]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                try:
                    found.append((entry.name, entry.stat(follow_symlinks=False)))
                except OSError:
                    continue
    except OSError:
        return []
    return found


@dataclass(frozen=True)
class Selection:
    """What to unpack so that the wanted paths come out whole, and which of it was not wanted: other names of the same files."""

    unpack: tuple[str, ...]
    unwanted: tuple[str, ...]


def select(names: bytes, paths: Sequence[str]) -> Selection:
    """What `paths` (relative, directories with what is in them) mean; raises `ParaduxError` "not-found" for one that is not there."""
    wanted = {os.fsencode(path) for path in paths}
    present, links = _scan(names, wanted)
    for path in paths:
        if any(above in _unread(names) for above in _above(os.fsencode(path))):
            text = f"{path!r} could not be read when this version was made, so it is not in it"
            raise ParaduxError("not-found", text, "see another version: paraductl versions DATASET")
        if os.fsencode(path) not in present:
            raise ParaduxError("not-found", f"there is no {path!r} in this version", "see: paraductl versions DATASET")
    more = sorted(os.fsdecode(path) for path in links)
    return Selection((*dict.fromkeys(paths), *more), tuple(more))


def entries(names: bytes) -> Iterable[Entry]:
    """What can be restored of a version."""
    gone = _unread(names)
    for record in names.split(b"\0")[:-1]:
        kind, _, path = record.partition(b" ")
        if path and path not in gone and (named := _KINDS.get(kind[:1])):
            yield Entry(os.fsdecode(path), named)


def padded(names: bytes) -> tuple[str, ...]:
    """The files that are not to be restored, because they are not in the run to their end."""
    return tuple(os.fsdecode(record[2:]) for record in names.split(b"\0") if record.startswith(b"z "))


def _unread(names: bytes) -> frozenset[bytes]:
    return frozenset(record[2:] for record in names.split(b"\0") if record.startswith((b"x ", b"z ")))


def _scan(names: bytes, wanted: set[bytes]) -> tuple[set[bytes], list[bytes]]:
    """The wanted paths that are there, and the names outside of them of files that have one inside."""
    present: set[bytes] = set()
    inside: set[bytes] = set()
    outside: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for record in names.split(b"\0")[:-1]:
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
