"""Verifying a tree store: what is there is compared with what was read back when it was written.

Quick: every version that has a manifest has a tree with as many regular files and bytes. Deep, or one part of it: besides, every file (of
that part) can be read where it lies and has its checksum. The first deep look at a version of 0.1.0 makes its checksums; a file of it that
is also in a newer version, under whatever name, is judged by that one.

What is found is remembered, so that the next push links to no rotten file and writes it anew. A store whose newest version is damaged is
damaged; damage in older ones, which nothing can heal, is told beside the result.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from tempfile import TemporaryDirectory

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.protocols.base import VerifyResult, Version
from paraduxd.protocols.trees import checksums, layout, read
from paraduxd.protocols.trees.checksums import Sums
from paraduxd.protocols.trees.layout import Record, Rotten, State

ALL = (0, 1)
"""Part 0 of 1."""

_MOST_NAMED = 100


def verify(root: rsync.Place, state: State, part: tuple[int, int] | None) -> VerifyResult:
    """Look at every version, the newest first; read what belongs to `part` (index, of how many), `None`: nothing.

    Raises `ParaduxError` "damaged" when the newest version is.
    """
    look = Look(root, state, part)
    for version in reversed(state.versions):
        look.at(version)
    return look.judged()


def verify_newest(root: rsync.Place, state: State) -> None:
    """Read all of the newest version; raises `ParaduxError` "damaged"."""
    look = Look(root, state, ALL)
    look.at(state.versions[-1])
    look.judged()


@dataclass
class Look:
    """One look at a store. `rotten`: by version, what is known to be so; `troubles`: what else is wrong with a version."""

    root: rsync.Place
    state: State
    part: tuple[int, int] | None
    checked: int = 0
    size: int = 0
    rotten: dict[str, set[str]] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    _bad_sums: set[tuple[bytes, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rotten = {name: set(paths) for name, paths in self.state.rotten.names.items()}
        self._reader = read.Reader(self.root)
        self.troubles = dict.fromkeys(self.state.unclear, "its manifest cannot be read")

    def at(self, version: Version) -> None:
        """Count a version's files, and read those that are to be read."""
        stats = self._count(version)
        self.checked, self.size = self.checked + stats.files, self.size + stats.bytes
        if self.part is not None:
            self._read(self.state.records[version.id], self.part)

    def _count(self, version: Version) -> rsync.Stats:
        ran = read.count(self.root.below(f"versions/{version.id}"))
        if ran.missing() or ran.code == 23:
            self.troubles[version.id] = "its files are missing or cannot be read"
            return ran.stats
        stats = rsync.check(ran, self.root.name).stats
        if (stats.files, stats.bytes) != (version.files, version.bytes):
            counts = f"{stats.files} files and {stats.bytes} bytes instead of {version.files} and {version.bytes}"
            self.troubles[version.id] = f"it has {counts}"
        return stats

    def _read(self, record: Record, part: tuple[int, int]) -> None:
        sums, name = layout.sums_of(self.root, record), record.version.id
        if sums is not None and record.algorithm == read.algorithm(self.root):
            self._compare(name, sums, checksums.in_part(sums, *part))
        elif record.algorithm in ("", read.algorithm(self.root)) and part[0] == 0:
            self._first_look(record)

    def _compare(self, name: str, sums: Sums, paths: Collection[bytes]) -> None:
        found = self._reader.read(name, paths)
        bad = [path for path in paths if found.get(path) != sums[path]]
        self.rotten[name] = self.rotten.get(name, set()) - set(map(_text, paths)) | set(map(_text, bad))
        if bad:
            self.rotten[name] |= set(map(_text, self._reader.same_files(name, bad)))
            self._bad_sums |= {(path, found[path]) for path in bad if path in found}

    def _first_look(self, record: Record) -> None:
        """A version without checksums: what it contains now is what it contained, unless something newer says otherwise."""
        name = record.version.id
        if record.algorithm:
            self.troubles.setdefault(name, "the list of its checksums is not what was written")
            return
        if (before := self.state.contents.get(name)) is not None and before != self._contents(record):
            self.troubles.setdefault(name, "files are no longer what they were at the first deep verification")
            return
        sums = self._reader.read(name)
        bad = [path for path, digest in sums.items() if not digest or (path, digest) in self._bad_sums]
        self.rotten[name] = set(map(_text, bad))
        if not bad and name not in self.troubles:
            data, algorithm = checksums.render(sums), read.algorithm(self.root)
            seen = replace(record, algorithm=algorithm, sums=checksums.digest_of(data))
            layout.declare(self.root, seen, data, None)

    def _contents(self, record: Record) -> str:
        with TemporaryDirectory(prefix="paradux-") as empty:
            tree = self.root.below(f"versions/{record.version.id}")
            return rsync_files.read_contents(tree, rsync.Place(empty, empty))[1].text()

    def judged(self) -> VerifyResult:
        """Remember what was found; the result, or "damaged"."""
        rotten = self._remembered()
        if rotten != self.state.rotten:
            layout.write_rotten(self.root, rotten)
        if self.state.versions and (why := self._damage(self.state.versions[-1].id, rotten)):
            raise self._damaged(self.state.versions[-1].id, why)
        older = {name: self._damage(name, rotten) for name in (*self.state.records, *self.state.unclear)}
        damaged = sorted(name for name, why in older.items() if why)
        names = [f"{name}: {checksums.shown(path)}" for name in damaged for path in rotten.names.get(name, ())]
        note = f"older versions at {self.root.name} are damaged, the newest is whole: " if damaged else ""
        note += "; ".join(f"{name}: {older[name]}" for name in damaged[:3]) + (" ..." if damaged[3:] else "")
        return VerifyResult(self.checked, self.size, tuple(names[:_MOST_NAMED]), note)

    def _remembered(self) -> Rotten:
        many = {name for name, paths in self.rotten.items() if len(paths) > layout.MOST_NAMES}
        kept = {name: tuple(sorted(paths)[: layout.MOST_NAMES]) for name, paths in self.rotten.items() if paths}
        still = {name for name in self.state.rotten.whole if self.part != ALL or self.rotten.get(name)}
        return Rotten(kept, tuple(sorted(many | still)))

    def _damage(self, name: str, rotten: Rotten) -> str:
        """What is wrong with a version, as a sentence; "" when nothing is."""
        if trouble := self.troubles.get(name):
            return trouble
        paths = rotten.names.get(name, ())
        count = f"more than {len(paths)}" if name in rotten.whole else str(len(paths))
        listed = ", ".join(map(repr, paths[:3])) + (" ..." if len(paths) > 3 else "")
        return f"{count} files are no longer what was written: {listed}" if paths else ""

    def _damaged(self, name: str, why: str) -> ParaduxError:
        return ParaduxError(
            "damaged",
            f"the newest version, {name}, at {self.root.name} is damaged: {why}",
            "push again, which rewrites what is damaged (paraductl backup), then: paraductl verify; and check that disk",
        )


def _text(path: bytes) -> str:
    return path.decode(errors="surrogateescape")
