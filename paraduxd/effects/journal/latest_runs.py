"""How the last runs of every target ended: the table `latest`, each row decoded once and again when it was written.

`LatestRuns` is the only one that writes the table, so it knows which rows it has to read anew: those that it wrote, whether the
transaction was completed or taken back. Another database makes it read everything anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from paraduxd.api.calls import JsonObject
from paraduxd.api.replies import results
from paraduxd.core.plan.place_names import Places
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.effects.journal.values import read, read_error, write, write_error

Row = tuple[str, str]
"""Uid of the place, and step."""

_READ = "SELECT place, dataset, step, location, last_success, last_attempt, failures, error, result, state FROM latest"

_WRITE = """
INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (place, step) DO UPDATE SET
  dataset = excluded.dataset, location = excluded.location, last_success = excluded.last_success,
  last_attempt = excluded.last_attempt, failures = excluded.failures, error = excluded.error, state = excluded.state,
  result = CASE excluded.state WHEN 'done' THEN excluded.result ELSE result END
"""


@dataclass
class _Decoded:
    """What was read of one database, and the same by the names of some plan."""

    database: sqlite3.Connection
    rows: dict[Row, tuple[Key, Latest]]
    places: Places | None = None
    by_target: dict[Key, Latest] = field(default_factory=dict)


class LatestRuns:
    """The journal's lock is held by whoever calls."""

    def __init__(self) -> None:
        self._decoded: _Decoded | None = None
        self._written: set[Row] = set()

    def by_target(self, database: sqlite3.Connection, places: Places, *, may_be_undone: bool) -> dict[Key, Latest]:
        """Everything, by the names of now. `may_be_undone`: a transaction is open, so what is read is not kept."""
        if may_be_undone:
            return _by_name(_rows(database), places)
        known = self._decoded
        if known is None or known.database is not database:
            known = self._decoded = _Decoded(database, _rows(database))
        elif self._written:
            changed = {row: found for each in self._written for row, found in _rows(database, each).items()}
            known.rows.update(changed)
            known.by_target.update(_by_name(changed, places))
        self._written = set()
        if known.places is not places:
            known.places, known.by_target = places, _by_name(known.rows, places)
        return dict(known.by_target)

    def one(self, database: sqlite3.Connection, place: str, step: str) -> Latest:
        """That of one target."""
        return next((latest for _, latest in _rows(database, (place, step)).values()), Latest())

    def record(
        self, database: sqlite3.Connection, place: str, key: Key, latest: Latest, result: JsonObject | None
    ) -> None:
        """Write a row. The result of the last success stays as it was written, also where a later version has told more in it."""
        dataset, step, location = key
        self._written.add((place, step))
        told = result if result is None or latest.seconds is None else {**result, "seconds": latest.seconds}
        ended = (latest.last_success, latest.last_attempt, latest.failures, write_error(latest.error), write(told))
        database.execute(_WRITE, (place, step, dataset, location, *ended, latest.state))


def _rows(database: sqlite3.Connection, row: Row | None = None) -> dict[Row, tuple[Key, Latest]]:
    """All rows, or one if it is there."""
    found = database.execute(_READ) if row is None else database.execute(f"{_READ} WHERE place = ? AND step = ?", row)
    return {
        (place, step): ((dataset, step, location), _latest(step, _Row(*more)))
        for place, dataset, step, location, *more in found
    }


def _by_name(rows: Mapping[Row, tuple[Key, Latest]], places: Places) -> dict[Key, Latest]:
    found: dict[Key, Latest] = {}
    for (place, _), ((dataset, step, location), latest) in rows.items():
        name = places.name(place, (dataset, location))
        if name is not None:
            found[(name[0], step, name[1])] = latest
    return found


class _Row(NamedTuple):
    """The columns after place, dataset, step and location."""

    last_success: str | None
    last_attempt: str | None
    failures: int
    error: str | None
    result: str | None
    state: str | None


def _latest(step: str, row: _Row) -> Latest:
    told = read(row.result)
    seconds = (told or {}).get("seconds")
    return Latest(
        row.last_success,
        row.last_attempt,
        row.failures,
        read_error(row.error),
        None if told is None else results.read(step, told),
        row.state,
        seconds if isinstance(seconds, int) else None,
    )
