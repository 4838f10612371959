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
from itertools import islice
from operator import itemgetter
from pathlib import Path

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.listings import FILE, Entry
from paraduxd.protocols.base import NAMES

_VERSION = 2
_AT_ONCE = 10_000
_OPEN = (1 << 62) - 1
_SPANS = """
CREATE TABLE spans (path BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, kind TEXT NOT NULL, size INTEGER,
                    modified INTEGER, PRIMARY KEY (path, first)) WITHOUT ROWID;
CREATE TABLE incoming (path BLOB NOT NULL PRIMARY KEY, kind TEXT NOT NULL, size INTEGER, modified INTEGER) WITHOUT ROWID;
"""
_WALKS = "CREATE TABLE IF NOT EXISTS walks (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);"
"""What the newest version was added from, if it was a directory. Not all of version 1 have it."""

_TABLES = f"""
CREATE TABLE versions (number INTEGER PRIMARY KEY, time TEXT NOT NULL);
{_WALKS}
{_SPANS}
"""
_FROM_FIRST = f"""
{_WALKS}
ALTER TABLE spans RENAME TO numbered;
DROP TABLE incoming;
{_SPANS}
INSERT OR REPLACE INTO spans SELECT p.path, s.first, s.last, s.kind, s.size, s.modified
    FROM paths p CROSS JOIN numbered s ON s.path = p.id ORDER BY p.path, s.first;
DROP TABLE numbered;
DROP TABLE paths;
"""  # noqa: S608  (nothing but the tables above is in it)
"""From version 1, which had the paths in a table of their own."""

_CHANGES = {0: _TABLES, 1: _FROM_FIRST, _VERSION: ""}
"""What makes one of the present version of a database, by the version that it has; 0 is that of a new one."""

_ALL_PATHS = "SELECT DISTINCT path FROM spans ORDER BY path"
_SOME_PATHS = (
    "SELECT DISTINCT path FROM spans WHERE instr(lower(CAST(path AS TEXT)), ?)"
    " OR length(CAST(path AS TEXT)) <> length(path) ORDER BY path"
)

_SAME = "i.path = s.path AND i.kind = s.kind AND i.size IS s.size AND i.modified IS s.modified"


Row = tuple[bytes, str, int | None, int | None]
"""Path, kind, bytes, time."""


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
        database.execute("PRAGMA temp_store = MEMORY")  # names go to no other place
        if _version(database) != _VERSION:
            _bring_up_to_date(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    with _transaction(database):
        version = _version(database)  # somebody else may have been faster
        if version not in _CHANGES:
            raise sqlite3.DatabaseError("another version")
        for statement in (*_CHANGES[version].split(";"), f"PRAGMA user_version = {_VERSION}"):
            database.execute(statement)


def _forget(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


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
        with _transaction(self._database):
            if any(versions.get(number, time) != time for number, time in known.items()):
                for table in ("versions", "spans"):
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

    def add(self, number: int, time: str, entries: Iterable[Entry]) -> None:
        """Add a version, unless it is in it."""
        self._add(number, time, ((os.fsencode(each.path), each.kind, each.size, each.modified) for each in entries))

    def add_walked(self, number: int, time: str, rows: Iterable[Row], digest: bytes) -> None:
        """Add a version that was made of a directory; with the `digest` of the last one it holds what that held, so `rows` are not read."""
        newest = max(self.known(), default=0)
        before = self._database.execute("SELECT digest FROM walks WHERE number = ?", (newest,)).fetchone()
        if before == (digest,) and number > newest:
            with _transaction(self._database):
                self._database.execute("INSERT INTO versions VALUES (?, ?)", (number, time))
                self._remember_walk(number, digest)
            return
        self._add(number, time, rows)
        if number > newest:
            self._remember_walk(number, digest)

    def _remember_walk(self, number: int, digest: bytes) -> None:
        self._database.execute("DELETE FROM walks")
        self._database.execute("INSERT INTO walks VALUES (?, ?)", (number, digest))

    def _add(self, number: int, time: str, rows: Iterable[Row]) -> None:
        known = sorted(self.known())
        if number in known:
            return
        with _transaction(self._database):
            if not known:
                values = f"?, {number:d}, {_OPEN}, ?, ?, ?"
                self._put(f"INSERT OR REPLACE INTO spans VALUES ({values})", rows)  # noqa: S608  (numbers)
            else:
                self._put("INSERT OR REPLACE INTO incoming VALUES (?, ?, ?, ?)", rows)
                self._merge(number, known)
                self._database.execute("DELETE FROM incoming")
            self._database.execute("INSERT INTO versions VALUES (?, ?)", (number, time))

    def _put(self, statement: str, rows: Iterable[Row]) -> None:
        coming = iter(rows)
        while some := sorted(islice(coming, _AT_ONCE), key=itemgetter(0)):  # neighbours lie on one page
            self._database.executemany(statement, some)

    def _merge(self, number: int, known: Sequence[int]) -> None:
        """Take in `incoming`."""
        if number > known[-1]:
            self._append(number, known[-1])
        else:
            before = max((each for each in known if each < number), default=0)
            self._insert(number, before, min(each for each in known if each > number))

    def _append(self, number: int, before: int) -> None:
        """After all others."""
        run = self._database.execute
        run(
            f"UPDATE spans AS s SET last = ? WHERE last = ? AND NOT EXISTS (SELECT 1 FROM incoming i WHERE {_SAME})",  # noqa: S608
            (before, _OPEN),
        )
        run(
            "INSERT INTO spans SELECT path, ?, ?, kind, size, modified FROM incoming i"
            " WHERE NOT EXISTS (SELECT 1 FROM spans s WHERE s.path = i.path AND s.last = ?)",
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
            " (SELECT 1 FROM spans s WHERE s.path = i.path AND s.first <= :n AND s.last >= :n)",
            values,
        )

    def counts(self, number: int) -> tuple[int, int | None]:
        """The files of a version, and their bytes together (`None`: not all are known)."""
        (files, known, size) = self._database.execute(
            "SELECT count(*), count(size), coalesce(sum(size), 0) FROM spans WHERE first <= ? AND last >= ? AND kind = ?",
            (number, number, FILE),
        ).fetchone()
        return files, size if known == files else None

    def paths(self, containing: str = "") -> Iterator[str]:
        """All paths that any version has or had, sorted; `containing`: without those of ASCII letters that lack this text.

        It is of ASCII letters in lower case. To look at all paths here would take half a second of a million.
        """
        found = self._database.execute(_SOME_PATHS, (containing,)) if containing else self._database.execute(_ALL_PATHS)
        for (path,) in found:
            yield os.fsdecode(path)

    def spans(self, path: str) -> tuple[Span, ...]:
        """The states of one path, oldest first."""
        rows = self._database.execute(
            "SELECT first, last, kind, size, modified FROM spans WHERE path = ? ORDER BY first", (os.fsencode(path),)
        )
        return tuple(Span(*row) for row in rows)

    def entries(self, number: int, below: str = "") -> Iterator[Entry]:
        """What a version has, sorted; `below`: a path, and what is in it."""
        condition, values = "", list[object]([number, number])
        if below:
            path = os.fsencode(below)
            condition = " AND (path = ? OR (path > ? AND path < ?))"
            values += [path, path + b"/", path + b"0"]
        rows = self._database.execute(
            f"SELECT path, kind, size, modified FROM spans WHERE first <= ? AND last >= ?{condition} ORDER BY path",  # noqa: S608
            values,
        )
        for path, kind, size, modified in rows:
            yield Entry(os.fsdecode(path), kind, size, modified)


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
