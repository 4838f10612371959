"""The index of names tells of each version exactly what was put in, in whatever order, and looks up no path by reading all of them."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
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
        ids = {path: number for number, path in index.paths()}
        spans = {path: names_index.merged(index.spans(ids[path]), [1, 2, 3, 4]) for path in "ab"}
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
        assert detail.startswith(
            ("SEARCH s USING INDEX spans_by_path (path=?", "SEARCH i USING INTEGER PRIMARY KEY")
        ), detail
