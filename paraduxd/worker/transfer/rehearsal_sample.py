"""Which files a rehearsal restores, and what a comparison with staging can tell. Staging is only read.

A file of staging whose change time lies before the version was made has not been touched since: the version must hold the very same
bytes. A file that was touched later may still be the same (its size and modification time say so); that it differs then proves nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from random import Random

from paraduxd.core.recovery.drill_judgement import Sample
from paraduxd.effects.tools.rsync_complaints import PARTIAL

_PIECE = 1 << 20


class Outcome(Enum):
    """What comparing one restored file with staging has shown."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Candidate:
    """A regular file of staging, relative to its root; `settled`: not touched since the version was made."""

    path: str
    size: int
    settled: bool


@dataclass
class _Urn:
    """A fair choice of at most `room` of any number of candidates (reservoir sampling, Vitter's algorithm R)."""

    room: int
    random: Random
    drawn: list[Candidate] = field(default_factory=list)
    seen: int = 0

    def add(self, candidate: Candidate) -> None:
        self.seen += 1
        if len(self.drawn) < self.room:
            self.drawn.append(candidate)
        elif (place := self.random.randrange(self.seen)) < self.room:
            self.drawn[place] = candidate


def choose(
    staging: Path, made: float, sample: Sample, random: Random, without: Container[bytes] = ()
) -> tuple[Candidate, ...]:
    """A random sample of the files in staging, those first that were not touched since the version was `made` (seconds since the epoch).

    Empty files prove nothing and are left out. If no file fits into the limit of bytes, the smallest is taken alone.
    """
    settled, others = (_Urn(4 * sample.files, random) for _ in range(2))
    smallest: Candidate | None = None
    for candidate in files(staging, made, without):
        (settled if candidate.settled else others).add(candidate)
        if smallest is None or (not candidate.settled, candidate.size) < (not smallest.settled, smallest.size):
            smallest = candidate
    chosen: list[Candidate] = []
    left = sample.bytes
    for group in (settled, others):
        random.shuffle(group.drawn)
        for candidate in group.drawn:
            if len(chosen) < sample.files and candidate.size <= left:
                chosen.append(candidate)
                left -= candidate.size
    return tuple(chosen) or ((smallest,) if smallest else ())


def files(staging: Path, made: float, without: Container[bytes] = ()) -> Iterator[Candidate]:
    """Every regular file that is not empty, `without` what no version has.

    What vanishes or cannot be read meanwhile is passed over."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(staging / folder))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if os.fsencode(path) in without:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders += [path] if entry.name != PARTIAL else []
            elif entry.is_file(follow_symlinks=False) and (found := _candidate(entry, path, made)):
                yield found


def _candidate(entry: os.DirEntry[str], path: str, made: float) -> Candidate | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return Candidate(path, status.st_size, _is_settled(status, made)) if status.st_size else None


def is_settled(staging: Path, path: str, made: float) -> bool:
    """Whether neither the path nor a directory above it was touched since the version was made, so that the version must hold it."""
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        try:
            if not _is_settled((staging / "/".join(parts[:end])).lstat(), made):
                return False
        except OSError:
            return False
    return True


def _is_settled(status: os.stat_result, made: float) -> bool:
    """Versions are dated to the second: what was touched within that second counts as touched before."""
    return max(status.st_ctime, status.st_mtime) < made + 1


def compare(restored: Path, staged: Path, made: float) -> Outcome:
    """What the restored file tells when it is held against the one in staging."""
    try:
        if not stat.S_ISREG(staged.lstat().st_mode):  # a device of the source is not even to be opened
            return Outcome.UNKNOWN
        with staged.open("rb") as theirs, restored.open("rb") as ours:
            before, mine = os.fstat(theirs.fileno()), os.fstat(ours.fileno())
            settled = _is_settled(before, made)
            if not settled and (before.st_size, before.st_mtime_ns) != (mine.st_size, mine.st_mtime_ns):
                return Outcome.UNKNOWN
            same = before.st_size == mine.st_size and _same(ours.fileno(), theirs.fileno())
            touched = os.fstat(theirs.fileno()).st_ctime_ns != before.st_ctime_ns
    except OSError:
        return Outcome.UNKNOWN
    if same:
        return Outcome.SAME
    return Outcome.DIFFERENT if settled and not touched else Outcome.UNKNOWN


def _same(one: int, other: int) -> bool:
    while True:
        piece, its = os.read(one, _PIECE), os.read(other, _PIECE)
        if piece != its:
            return False
        if not piece:
            return True
