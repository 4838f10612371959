"""The index of names tells of each version exactly what was put in, in whatever order, and looks up no path by reading all of them."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paraduxd.api.replies.listings import DIRECTORY, FILE, Entry
from paraduxd.protocols.base import NAMES
from paraduxd.worker.browse import names_index
from paraduxd.worker.browse.names_index import NamesIndex, Span

STATES: Mapping[int, tuple[Entry, ...]] = {
    1: (Entry("a", FILE, 1, 1), Entry("b", FILE, 1, 1), Entry("d", DIRECTORY)),
    2: (Entry("a", FILE, 1, 1), Entry("b", FILE, 2, 5), Entry("d", DIRECTORY), Entry("d/x", FILE, 9, 9)),
    3: (Entry("a", FILE, 1, 1), Entry("d", FILE, 4, 4)),
    4: (Entry("a", FILE, 1, 1), Entry("b", FILE, 2, 5), Entry("d", DIRECTORY), Entry("d-", FILE, None, None)),
}
"""Things stay, change, go, come back, and become something else."""


def time_of(number: int) -> str:
    return f"2026-11-{number:02}T12:00:00Z"


def times(*numbers: int) -> dict[int, str]:
    return {number: time_of(number) for number in numbers}


def fill(index: NamesIndex, *numbers: int) -> None:
    for number in numbers:
        index.add(number, time_of(number), STATES[number])


@pytest.mark.parametrize("order", list(itertools.permutations(STATES)))
def test_each_version_is_told_as_it_was_whatever_came_first(tmp_path: Path, order: tuple[int, ...]) -> None:
    with names_index.opened(tmp_path) as index:
        for done, number in enumerate(order, start=1):
            fill(index, number)
            for known in order[:done]:
                assert tuple(index.entries(known)) == STATES[known]
        for gone in order[:-1]:
            left = set(index.known()) - {gone}
            index.keep_only(times(*left))
            assert {each: tuple(index.entries(each)) for each in index.known()} == {each: STATES[each] for each in left}


def test_a_file_that_stays_is_one_span_and_one_that_comes_back_two(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        fill(index, 1, 2, 3, 4)
        spans = {path: names_index.merged(index.spans(path), [1, 2, 3, 4]) for path in "ab"}
    assert spans["a"] == [Span(1, 4, FILE, 1, 1)]
    assert spans["b"] == [Span(1, 1, FILE, 1, 1), Span(2, 2, FILE, 2, 5), Span(4, 4, FILE, 2, 5)]


def test_a_folder_is_listed_without_its_neighbours(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        fill(index, 2, 4)
        assert [entry.path for entry in index.entries(2, "d")] == ["d", "d/x"]
        assert [entry.path for entry in index.entries(4, "d")] == ["d"], "d- is beside it"


def test_counts_are_of_files_and_bytes_are_told_when_all_are_known(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        fill(index, 2, 4)
        assert (index.counts(2), index.counts(4)) == ((3, 12), (3, None))


def test_a_version_of_another_time_is_another_one_and_nothing_is_believed(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        fill(index, 1, 2)
        index.keep_only({1: time_of(9), 2: time_of(2)})
        assert (index.known(), list(index.paths())) == ({}, [])


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b""])
def test_a_damaged_index_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    with names_index.opened(tmp_path) as index:
        fill(index, 1)
    (tmp_path / NAMES).write_bytes(damage)
    with names_index.opened(tmp_path) as index:
        assert index.known() == {}
        fill(index, 2)
        assert tuple(index.entries(2)) == STATES[2]


@contextlib.contextmanager
def traced(folder: Path) -> Iterator[tuple[NamesIndex, list[str]]]:
    """An index and every statement that it runs."""
    with names_index.opened(folder):
        pass
    statements: list[str] = []
    with contextlib.closing(sqlite3.connect(folder / NAMES, isolation_level=None)) as database:
        database.set_trace_callback(statements.append)
        yield NamesIndex(database), statements


def lookups(folder: Path, statements: list[str]) -> set[str]:
    """How SQLite finds the rows of `incoming` and `spans` that a statement looks for once per row of the other."""
    with contextlib.closing(sqlite3.connect(folder / NAMES)) as database:
        plans = [database.execute(f"EXPLAIN QUERY PLAN {each}").fetchall() for each in statements if "EXISTS" in each]
    found = set[str]()
    for plan in plans:
        outer = {number for number, _, _, detail in plan if "CORRELATED" in detail}
        found |= {detail for _, parent, _, detail in plan if parent in outer}
    return found


@pytest.mark.parametrize("order", [(1, 2), (1, 3, 2), (2, 1)])
def test_no_version_is_added_by_comparing_all_with_all(tmp_path: Path, order: tuple[int, ...]) -> None:
    """With 100,000 files, an index over `last` alone, which nearly all share, takes minutes where one over paths takes a second."""
    with traced(tmp_path) as (index, statements):
        fill(index, *order)
    found = lookups(tmp_path, statements)
    assert any(detail.startswith("SEARCH s ") for detail in found) and any("SEARCH i " in detail for detail in found)
    for detail in found:
        assert detail.startswith(("SEARCH s USING PRIMARY KEY (path=?", "SEARCH i USING PRIMARY KEY (path=?")), detail


def rows(number: int) -> Iterator[names_index.Row]:
    for entry in STATES[number]:
        yield entry.path.encode(), entry.kind, entry.size, entry.modified


def test_a_directory_that_is_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        index.add_walked(1, time_of(1), rows(1), b"one")
        unread = rows(2)
        index.add_walked(2, time_of(2), unread, b"one")
        assert next(unread), "nothing of it was taken"
        assert tuple(index.entries(2)) == STATES[1]
        index.add_walked(3, time_of(3), rows(3), b"three")
        assert [tuple(index.entries(number)) for number in (1, 2, 3)] == [STATES[1], STATES[1], STATES[3]]


def test_what_the_newest_version_was_made_of_counts_only_while_it_is_the_newest(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as index:
        index.add_walked(1, time_of(1), rows(1), b"one")
        fill(index, 2)
        index.add_walked(3, time_of(3), rows(1), b"one")
        assert [tuple(index.entries(number)) for number in (1, 2, 3)] == [STATES[1], STATES[2], STATES[1]]
        index.keep_only(times(1, 2))
        index.add_walked(4, time_of(4), rows(4), b"one")
        assert [tuple(index.entries(number)) for number in (1, 2, 4)] == [STATES[1], STATES[2], STATES[4]]
        index.add_walked(3, time_of(3), rows(3), b"one")
        index.add_walked(5, time_of(5), rows(3), b"four")
        assert [tuple(index.entries(number)) for number in (3, 4, 5)] == [STATES[3], STATES[4], STATES[3]]


FIRST_VERSION = """
CREATE TABLE paths (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE versions (number INTEGER PRIMARY KEY, time TEXT NOT NULL);
CREATE TABLE spans (path INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                    kind TEXT NOT NULL, size INTEGER, modified INTEGER);
CREATE INDEX spans_by_path ON spans (path, first);
CREATE INDEX spans_by_last ON spans (last);
CREATE TABLE incoming (path INTEGER PRIMARY KEY, kind TEXT NOT NULL, size INTEGER, modified INTEGER);
CREATE TABLE walks (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);
INSERT INTO paths VALUES (1, x'61'), (2, x'64'), (3, x'62'), (4, x'642f78');
INSERT INTO versions VALUES (1, '2026-11-01T12:00:00Z'), (2, '2026-11-02T12:00:00Z');
INSERT INTO spans VALUES (1, 1, 4611686018427387903, 'file', 1, 1), (2, 1, 4611686018427387903, 'directory', NULL, NULL),
                         (3, 1, 1, 'file', 1, 1), (3, 2, 4611686018427387903, 'file', 2, 5), (4, 2, 4611686018427387903, 'file', 9, 9);
INSERT INTO walks VALUES (2, x'74776f');
PRAGMA user_version = 1;
"""
"""As programs before wrote it, with what `STATES` has of versions 1 and 2."""


def test_an_index_from_before_walks_were_remembered_goes_on(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / NAMES)) as database:
        database.executescript(FIRST_VERSION + "DROP TABLE walks;")
    for number in (3, 4):
        with names_index.opened(tmp_path) as index:
            index.add_walked(number, time_of(number), rows(number), b"%d" % number)
            assert tuple(index.entries(number)) == STATES[number]


def test_who_looks_does_not_wait_for_who_adds(tmp_path: Path) -> None:
    with names_index.opened(tmp_path) as adding:
        fill(adding, 1)

        def looked() -> Iterator[Entry]:
            with names_index.opened(tmp_path) as index:
                assert tuple(index.entries(1)) == STATES[1]
            yield from STATES[2]

        adding.add(2, time_of(2), looked())
        assert tuple(adding.entries(2)) == STATES[2]


def test_an_index_of_the_first_version_goes_on(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / NAMES)) as database:
        database.executescript(FIRST_VERSION)
    for number in (3, 4):
        with names_index.opened(tmp_path) as index:
            index.add_walked(number, time_of(number), rows(1), b"two")
            known = [tuple(index.entries(each)) for each in (1, 2, 3)]
            assert known == [STATES[1], STATES[2], STATES[2]], "the walk of version 2 was not read again"
    with contextlib.closing(sqlite3.connect(tmp_path / NAMES)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"spans", "incoming", "versions", "walks"}


def test_what_is_named_twice_is_there_once_as_it_was_last(tmp_path: Path) -> None:
    twice = (Entry("a", FILE, 1, 1), Entry("b", FILE, 2, 2), Entry("a", FILE, 3, 3))
    with names_index.opened(tmp_path) as index:
        for number in (1, 2):
            index.add(number, time_of(number), twice)
            assert tuple(index.entries(number)) == (Entry("a", FILE, 3, 3), Entry("b", FILE, 2, 2))


def test_two_that_open_an_index_of_the_first_version_at_once_both_have_it(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / NAMES)) as database:
        database.executescript(FIRST_VERSION)

    def known(_: int) -> set[int]:
        with names_index.opened(tmp_path) as index:
            return set(index.known())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(known, range(8))) == [{1, 2}] * 8


def test_paths_that_surely_lack_a_text_are_left_out_by_the_database(tmp_path: Path) -> None:
    """Of others than ASCII paths it cannot tell: \u212a, the sign of Kelvin, is a small k without its case."""
    names = ("LETTERS/Brief", "letters", "\u212aelvin", "na\udcff", "other", "kelvin")
    with names_index.opened(tmp_path) as index:
        index.add(1, time_of(1), [Entry(name, FILE, 1, 1) for name in names])
        assert set(index.paths("kelvin")) == {"\u212aelvin", "kelvin"}
        assert set(index.paths("letters")) == {"LETTERS/Brief", "letters", "\u212aelvin"}
        assert set(index.paths("na")) == {"na\udcff", "\u212aelvin"}
        assert len(list(index.paths())) == len(names)
