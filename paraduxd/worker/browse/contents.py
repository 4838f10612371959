"""What a version holds: from the index of names, or from the place, and then the index has it. A push adds the version that it has made."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import DIRECTORY, FILE, LINK, OTHER, Entry
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Order, Progress
from paraduxd.effects.files import walk
from paraduxd.effects.tools import gnu_find
from paraduxd.protocols.base import Destination, Version
from paraduxd.worker.browse import names_index
from paraduxd.worker.browse.names_index import NamesIndex, Row

log = logging.getLogger("paradux.names")

_KINDS = {b"d": DIRECTORY, b"f": FILE, b"l": LINK}
"""By find's letters."""

_BEFORE_NUMBERS = 1 << 33
"""Versions from before numbering come before all others, by time."""


@dataclass(frozen=True)
class Reading:
    """What an order says to whoever reads versions. `index`: the folder of the index of names; `known_versions`: those that the journal
    has; `root`: the path of the source; `paths`: paths and patterns that are wanted."""

    index: str | None = None
    known_versions: tuple[Version, ...] | None = None
    root: str | None = None
    paths: tuple[str, ...] | None = None

    @classmethod
    def of(cls, order: Order) -> Reading:
        """The arguments of an order."""
        return from_json_value(cls, order.arguments)

    @property
    def versions(self) -> tuple[Version, ...]:
        """Those that the journal has."""
        return self.known_versions or ()


def key_of(version: Version) -> int:
    """The number of a version in the index."""
    if version.number:
        return version.number
    time = timestamps.parse(version.time)
    return (int(time.timestamp()) if time else 0) - _BEFORE_NUMBERS


def walked(folder: Path, without: Collection[bytes] = ()) -> Iterator[Entry]:
    """Everything below a directory of this machine but these paths and what is below them.

    What vanishes meanwhile, or cannot be entered, is left out.
    """
    if without:
        for name, status in walk.entries(folder, without):
            yield described(os.fsdecode(name), status)
        return
    with _described(folder) as file:
        for path, kind, size, modified in _rows(file):
            yield Entry(os.fsdecode(path), kind, size, modified)


@contextlib.contextmanager
def _described(folder: Path, beside: Path | None = None) -> Iterator[BufferedRandom]:
    """What `gnu_find.describe` tells of a directory, as a file without a name: in the private folder `beside`, or in memory."""
    with _unnamed(beside) as file:
        gnu_find.describe(folder, file.fileno())
        file.seek(0)
        yield file


def _unnamed(beside: Path | None) -> BufferedRandom:
    if beside is not None:
        return TemporaryFile("w+b", dir=beside)
    return os.fdopen(os.memfd_create("paradux-walk", os.MFD_CLOEXEC), "w+b")


def _rows(file: IO[bytes]) -> Iterator[Row]:
    for entry in gnu_find.described(file):
        kind = _KINDS.get(entry.type, OTHER)
        yield entry.path, kind, entry.size if kind == FILE else None, entry.modified


def described(path: str, status: os.stat_result) -> Entry:
    """An entry as stat(2) tells it."""
    kind = DIRECTORY if stat.S_ISDIR(status.st_mode) else LINK if stat.S_ISLNK(status.st_mode) else OTHER
    if stat.S_ISREG(status.st_mode):
        return Entry(path, FILE, status.st_size, int(status.st_mtime))
    return Entry(path, kind, None, int(status.st_mtime))


def remember_push(
    order: Order, staging: Path, version: Version, versions: Sequence[Version], without: Collection[bytes] = ()
) -> None:
    """Add what was pushed, `without` what was left out, to the index.

    Whatever goes wrong here is no failure of the push: a later look asks the place."""
    if not (folder := Reading.of(order).index):
        return
    try:
        with names_index.opened(Path(folder)) as index:
            index.keep_only({key_of(each): each.time for each in (*versions, version)})
            _add(index, Path(folder), staging, version, without)
    except (sqlite3.Error, OSError, ParaduxError) as problem:
        log.warning("The names of %s are not remembered: %s", version.id, problem)


def _add(index: NamesIndex, folder: Path, staging: Path, version: Version, without: Collection[bytes]) -> None:
    if without:
        index.add(key_of(version), version.time, walked(staging, without))
        return
    with _described(staging, folder) as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        index.add_walked(key_of(version), version.time, _rows(file), digest)


@dataclass
class Contents:
    """The versions of one destination and what is in them. `open_place` opens it, which may take a while; `None`: it is not asked."""

    index: NamesIndex
    versions: tuple[Version, ...]
    open_place: Callable[[], Destination] | None
    progress: Callable[[Progress], None] = lambda _: None
    _place: Destination | None = field(default=None, repr=False)

    def lacks(self, versions: Sequence[Version]) -> list[Version]:
        """Those that the index does not have."""
        known = self.index.known()
        return [each for each in versions if known.get(key_of(each)) != each.time]

    def ask(self) -> None:
        """Let the place say which versions there are."""
        if self.open_place is not None:
            self.versions = self.place().versions()
            self.index.keep_only({key_of(each): each.time for each in self.versions})

    def place(self) -> Destination:
        """The destination, opened once."""
        if self._place is None:
            assert self.open_place is not None  # noqa: S101  (nobody asks for what cannot be opened)
            self._place = self.open_place()
        return self._place

    def fetch(self, versions: Sequence[Version]) -> None:
        """Let the index have these; raises what `Destination.entries` does."""
        lacking = self.lacks(versions)
        for number, version in enumerate(lacking):
            self.progress(Progress(100 * number / len(lacking), number))
            self.index.add(key_of(version), version.time, self.place().entries(version))

    def entries(self, version: Version, below: str = "") -> Iterator[Entry]:
        """What is in a version that was fetched, sorted by path."""
        return self.index.entries(key_of(version), below)


@contextlib.contextmanager
def of_destination(order: Order, open_place: Callable[[], Destination] | None) -> Iterator[Contents]:
    """The contents of a destination, with the versions that the journal knows; for those, it may not have to be asked."""
    with _folder(order) as folder, _translated_errors(), names_index.opened(folder) as index:
        yield Contents(index, Reading.of(order).versions, open_place)


@contextlib.contextmanager
def of_staging(folder: Path, version: Version) -> Iterator[Contents]:
    """What lies in a directory of this machine, as a version."""
    with (
        TemporaryDirectory(prefix="paradux-") as scratch,
        _translated_errors(),
        names_index.opened(Path(scratch)) as index,
    ):
        index.add(key_of(version), version.time, walked(folder))
        yield Contents(index, (version,), None)


@contextlib.contextmanager
def _folder(order: Order) -> Iterator[Path]:
    if known := Reading.of(order).index:
        yield Path(known)
        return
    with TemporaryDirectory(prefix="paradux-") as scratch:
        yield Path(scratch)


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as problem:
        raise ParaduxError(
            "index-failed", f"the index of file names cannot be used: {problem}", "see whether the disk is full"
        ) from None
