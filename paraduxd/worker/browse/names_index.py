"""Which file was in which versions of one destination, in a database of this machine. All of it can be lost and is then made anew.

A *span* is one state of one path (kind, size, time) in successive versions, so that a version like the one before costs nothing.
`last` is `_OPEN` while the newest version has it. The folder is root's alone: staging, beside it, holds the files themselves.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from paraduxd.api.replies.listings import FILE, Entry
from paraduxd.protocols.base import NAMES

_VERSION = 1
_AT_ONCE = 10_000
_OPEN = (1 << 62) - 1
_TABLES = """
CREATE TABLE paths (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE versions (number INTEGER PRIMARY KEY, time TEXT NOT NULL);
CREATE TABLE spans (path INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                    kind TEXT NOT NULL, size INTEGER, modified INTEGER);
CREATE INDEX spans_by_path ON spans (path, first);
CREATE INDEX spans_by_last ON spans (last);
CREATE TABLE incoming (path INTEGER PRIMARY KEY, kind TEXT NOT NULL, size INTEGER, modified INTEGER);
"""
_SAME = "i.path = s.path AND i.kind = s.kind AND i.size IS s.size AND i.modified IS s.modified"


@dataclass(frozen=True)
class Span:
    """One state of a path, from the version of one number to that of another."""

    first: int
    last: int
    kind: str
    size: int | None
    modified: int | None


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[NamesIndex]:
    """The index in this folder; one that is damaged, or of another version of the program, is begun anew."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAMES
    try:
        database = _opened(path)
    except sqlite3.DatabaseError:
        _forget(path)
        database = _opened(path)
    with contextlib.closing(database):
        yield NamesIndex(database)


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = OFF")  # what is lost is made anew
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError("another version")
        if version == 0:
            database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _forget(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class NamesIndex:
    """One connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def known(self) -> dict[int, str]:
        """The versions that are in it: number -> time."""
        return dict(self._database.execute("SELECT number, time FROM versions"))

    def keep_only(self, versions: dict[int, str]) -> None:
        """Forget versions that are gone; one whose time is another is not the one that was indexed, so that nothing is believed."""
        known = self.known()
        with self._transaction():
            if any(versions.get(number, time) != time for number, time in known.items()):
                for table in ("versions", "spans", "paths"):
                    self._database.execute(f"DELETE FROM {table}")  # noqa: S608
                return
            gone = [(number,) for number in known if number not in versions]
            self._database.executemany("DELETE FROM versions WHERE number = ?", gone)
            if gone:
                self._sweep()

    def _sweep(self) -> None:
        """Forget what no version has any more."""
        self._database.execute(
            "DELETE FROM spans WHERE NOT EXISTS"
            " (SELECT 1 FROM versions v WHERE v.number BETWEEN spans.first AND spans.last)"
        )
        self._database.execute("DELETE FROM paths WHERE NOT EXISTS (SELECT 1 FROM spans WHERE spans.path = paths.id)")

    def add(self, number: int, time: str, entries: Iterable[Entry]) -> None:
        """Add a version, unless it is in it."""
        known = sorted(self.known())
        if number in known:
            return
        with self._transaction():
            self._take(entries)
            if not known or number > known[-1]:
                self._append(number, known[-1] if known else 0)
            else:
                before = max((each for each in known if each < number), default=0)
                self._insert(number, before, min(each for each in known if each > number))
            self._database.execute("INSERT INTO versions VALUES (?, ?)", (number, time))
            self._database.execute("DELETE FROM incoming")

    def _take(self, entries: Iterable[Entry]) -> None:
        self._database.execute("DELETE FROM incoming")
        coming = iter(entries)
        while some := list(islice(coming, _AT_ONCE)):
            rows = [(os.fsencode(each.path), each.kind, each.size, each.modified) for each in some]
            self._database.executemany("INSERT OR IGNORE INTO paths (path) VALUES (?)", ((row[0],) for row in rows))
            self._database.executemany(
                "INSERT OR REPLACE INTO incoming SELECT id, ?2, ?3, ?4 FROM paths WHERE path = ?1", rows
            )

    def _append(self, number: int, before: int) -> None:
        """After all others."""
        run = self._database.execute
        run(
            f"UPDATE spans AS s SET last = ? WHERE last = ? AND NOT EXISTS (SELECT 1 FROM incoming i WHERE {_SAME})",  # noqa: S608
            (before, _OPEN),
        )
        run(
            "INSERT INTO spans SELECT path, ?, ?, kind, size, modified FROM incoming i"
            " WHERE NOT EXISTS (SELECT 1 FROM spans s WHERE s.path = i.path AND +s.last = ?)",
            (number, _OPEN, _OPEN),
        )

    def _insert(self, number: int, before: int, after: int) -> None:
        """Between two others, or before all."""
        run = self._database.execute
        differs = f"s.first < :n AND s.last >= :after AND NOT EXISTS (SELECT 1 FROM incoming i WHERE {_SAME})"  # noqa: S608
        values = {"n": number, "before": before, "after": after}
        run(
            "INSERT INTO spans SELECT path, :after, last, kind, size, modified FROM spans s"  # noqa: S608
            f" WHERE {differs}",
            values,
        )
        run(f"UPDATE spans AS s SET last = :before WHERE {differs} AND s.first <= :before", values)  # noqa: S608
        differs = differs.replace("s.first < :n", "s.first > :before AND s.first < :n")
        run(f"DELETE FROM spans AS s WHERE {differs}", values)  # noqa: S608
        covers = f"EXISTS (SELECT 1 FROM incoming i WHERE {_SAME})"  # noqa: S608
        run(f"UPDATE spans AS s SET last = :n WHERE last = :before AND {covers}", values)  # noqa: S608
        run(
            "INSERT INTO spans SELECT path, :n, :n, kind, size, modified FROM incoming i WHERE NOT EXISTS"
            " (SELECT 1 FROM spans s WHERE s.path = i.path AND s.first <= :n AND +s.last >= :n)",
            values,
        )

    def counts(self, number: int) -> tuple[int, int | None]:
        """The files of a version, and their bytes together (`None`: not all are known)."""
        (files, known, size) = self._database.execute(
            "SELECT count(*), count(size), coalesce(sum(size), 0) FROM spans WHERE first <= ? AND last >= ? AND kind = ?",
            (number, number, FILE),
        ).fetchone()
        return files, size if known == files else None

    def paths(self) -> Iterator[tuple[int, str]]:
        """All paths that any version has or had, with their ids."""
        for number, path in self._database.execute("SELECT id, path FROM paths ORDER BY path"):
            yield number, os.fsdecode(path)

    def spans(self, path: int) -> tuple[Span, ...]:
        """The states of one path, oldest first."""
        rows = self._database.execute(
            "SELECT first, last, kind, size, modified FROM spans WHERE path = ? ORDER BY first", (path,)
        )
        return tuple(Span(*row) for row in rows)

    def entries(self, number: int, below: str = "") -> Iterator[Entry]:
        """What a version has, sorted; `below`: a path, and what is in it."""
        condition, values = "", list[object]([number, number])
        if below:
            path = os.fsencode(below)
            condition = " AND (p.path = ? OR (p.path > ? AND p.path < ?))"
            values += [path, path + b"/", path + b"0"]
        rows = self._database.execute(
            "SELECT p.path, s.kind, s.size, s.modified FROM spans s JOIN paths p ON p.id = s.path"  # noqa: S608
            f" WHERE s.first <= ? AND s.last >= ?{condition} ORDER BY p.path",
            values,
        )
        for path, kind, size, modified in rows:
            yield Entry(os.fsdecode(path), kind, size, modified)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise


def merged(spans: Sequence[Span], numbers: Sequence[int]) -> list[Span]:
    """Spans in terms of the versions that are there: without those that none has, and successive equal ones as one."""
    found: list[Span] = []
    for span in spans:
        start, end = bisect_left(numbers, span.first), bisect_right(numbers, span.last)
        if start == end:
            continue
        this = Span(numbers[start], numbers[end - 1], span.kind, span.size, span.modified)
        if found and _follows(found[-1], this, numbers):
            found[-1] = Span(found[-1].first, this.last, this.kind, this.size, this.modified)
        else:
            found.append(this)
    return found


def _follows(one: Span, other: Span, numbers: Sequence[int]) -> bool:
    same = (one.kind, one.size, one.modified) == (other.kind, other.size, other.modified)
    return same and bisect_right(numbers, one.last) == bisect_left(numbers, other.first)
