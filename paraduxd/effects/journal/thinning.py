"""What the journal forgets of past runs, and when. Time decides, dataset by dataset: a busy one takes nothing from a quiet one.

* All runs of a year stay, for every dataset. Of older ones the first of each week stays, of every step and place, for five years.
* Runs that only look (versions, names, host keys) or say that all is well are kept for 30 days, and the newest few thousand of them.
* After a week a result is kept without its lists (all versions that were there, names): its numbers stay.
* One place keeps at most 150,000 runs: what a loop of requests makes does not fill the disk.

All of it is done in pieces of a few thousand runs, so that a long history keeps nobody waiting. `Marks` say how far it is. They go by the
numbers of runs, which are in order of time; a run goes only if its own time says so as well, so that a clock that was wrong
makes runs stay.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Step
from paraduxd.effects.journal.numbers import first_since

WHOLE = timedelta(days=366)
THINNED = timedelta(days=5 * 366)
LOOKS = timedelta(days=30)
LISTS = timedelta(days=7)
MOST_LOOKS = 5_000
MOST_AT_ONE_PLACE = 150_000

PIECE = 10_000
"""Runs that one transaction looks at: it takes a tenth of a second."""

SLIMMED = "history/slimmed"
"""Name of the fact that versions before 0.2.0 kept instead of `MARKS`: the number of the newest run whose result was slimmed."""

MARKS = "history/marks"
"""Name of the fact with `Marks`."""

_LOOKING = ", ".join(f"'{step}'" for step in (Step.VERSIONS, Step.LIST, Step.HOSTKEYS, Step.HEARTBEAT))
_LISTS = ("versions", "others", "unread", "unstored", "mounts", "removed", "hosts", "objects")
_ENDED = "state NOT IN ('queued', 'running')"
_WEEK = "strftime('%Y-%W', {}requested)"


@dataclass(frozen=True)
class Marks:
    """The numbers of the newest runs that were looked at: whether they go after a year (`thinned`) or as mere `looks`, and whether
    lists are taken from their results (`slimmed`)."""

    thinned: int = 0
    looks: int = 0
    slimmed: int = 0


def thin(database: sqlite3.Connection, now: datetime, marks: Marks) -> tuple[Marks, bool]:
    """Forget the next piece of what is due, in the transaction of the caller; gives how far it is now, and whether more is due."""
    if _forget_oldest(database, now):
        return marks, True
    if until := _piece(database, marks.thinned, now - WHOLE):
        _thin(database, _before(now, WHOLE), marks.thinned, until)
        return replace(marks, thinned=until), True
    if until := _piece(database, marks.looks, now - LOOKS):
        _forget_looks(database, _before(now, LOOKS), marks.looks, until)
        return replace(marks, looks=until), True
    if until := _piece(database, marks.slimmed, now - LISTS):
        _slim(database, marks.slimmed, until)
        return replace(marks, slimmed=until), True
    _forget_excess(database)
    return marks, False


def _before(now: datetime, age: timedelta) -> str:
    return timestamps.stamp(now - age) or ""


def _piece(database: sqlite3.Connection, done: int, begin: datetime) -> int:
    """The number of the last run of the next piece of what is older; 0 when there is none."""
    (last,) = database.execute(
        "SELECT max(number) FROM (SELECT number FROM runs WHERE number > ? AND number < ? ORDER BY number LIMIT ?)",
        (done, first_since(database, begin), PIECE),
    ).fetchone()
    return int(last or 0)


def _forget_oldest(database: sqlite3.Connection, now: datetime) -> bool:
    """Whether there was anything to forget."""
    found = database.execute(
        "DELETE FROM runs WHERE number IN (SELECT number FROM runs"  # noqa: S608
        f" WHERE number < ? AND {_ENDED} AND requested < ? ORDER BY number LIMIT ?)",
        (first_since(database, now - THINNED), _before(now, THINNED), PIECE),
    )
    return found.rowcount > 0


def _thin(database: sqlite3.Connection, before: str, done: int, until: int) -> None:
    """Forget runs whose predecessor at the same place was in the same week: the first of each week stays."""
    database.execute(
        f"DELETE FROM runs WHERE number > ? AND number <= ? AND {_ENDED} AND requested < ? AND {_WEEK.format('')} ="  # noqa: S608
        f" (SELECT {_WEEK.format('earlier.')} FROM runs AS earlier WHERE earlier.place = runs.place"
        " AND earlier.step = runs.step AND earlier.number < runs.number ORDER BY earlier.number DESC LIMIT 1)",
        (done, until, before),
    )


def _forget_looks(database: sqlite3.Connection, before: str, done: int, until: int) -> None:
    database.execute(
        f"DELETE FROM runs WHERE number > ? AND number <= ? AND {_ENDED} AND step IN ({_LOOKING}) AND requested < ?",  # noqa: S608
        (done, until, before),
    )


def _slim(database: sqlite3.Connection, done: int, until: int) -> None:
    paths = ", ".join(f"'$.{name}'" for name in _LISTS)
    database.execute(
        f"UPDATE runs SET result = json_remove(result, {paths})"  # noqa: S608
        " WHERE number > ? AND number <= ? AND result IS NOT NULL AND json_valid(result)",
        (done, until),
    )


def _forget_excess(database: sqlite3.Connection) -> None:
    database.execute(
        f"DELETE FROM runs WHERE {_ENDED} AND step IN ({_LOOKING}) AND number <="  # noqa: S608
        f" (SELECT number FROM runs WHERE step IN ({_LOOKING}) ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (MOST_LOOKS,),
    )
    crowded = database.execute(
        "SELECT place, step FROM runs GROUP BY place, step HAVING count(*) > ?", (MOST_AT_ONE_PLACE,)
    ).fetchall()
    for place, step in crowded:
        database.execute(
            f"DELETE FROM runs WHERE {_ENDED} AND place = ?1 AND step = ?2 AND number <="  # noqa: S608
            " (SELECT number FROM runs WHERE place = ?1 AND step = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)",
            (place, step, MOST_AT_ONE_PLACE),
        )
