"""What the journal forgets of past runs, and when. Time decides, dataset by dataset: a busy one takes nothing from a quiet one.

* All runs of a year stay, for every dataset. Of older ones the first of each week stays, of every step and place, for five years.
* Runs that only look (versions, names, host keys) or say that all is well are kept for 30 days, and the newest few thousand of them.
* After a week a result is kept without its lists (all versions that were there, names): its numbers stay.
* One place keeps at most 150,000 runs: what a loop of requests makes does not fill the disk.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Step

WHOLE = timedelta(days=366)
THINNED = timedelta(days=5 * 366)
LOOKS = timedelta(days=30)
LISTS = timedelta(days=7)
MOST_LOOKS = 5_000
MOST_AT_ONE_PLACE = 150_000

SLIMMED = "history/slimmed"
"""Name of the fact with the number of the newest run whose result was slimmed."""

_LOOKING = (Step.VERSIONS, Step.LIST, Step.HOSTKEYS, Step.HEARTBEAT)
_LISTS = ("versions", "unread", "unstored", "mounts", "removed", "hosts", "objects")
_ENDED = "state NOT IN ('queued', 'running')"


def thin(database: sqlite3.Connection, now: datetime, slimmed: int) -> int:
    """Forget what is due, in the transaction of the caller; gives the new value of `SLIMMED`, whose last one is `slimmed`."""
    _forget_old(database, now)
    _forget_looks(database, now)
    _forget_excess(database)
    return _slim(database, now, slimmed)


def _before(now: datetime, age: timedelta) -> str:
    return timestamps.stamp(now - age) or ""


def _forget_old(database: sqlite3.Connection, now: datetime) -> None:
    database.execute(
        f"DELETE FROM runs WHERE {_ENDED} AND requested < ?1 AND (requested < ?2 OR number NOT IN"  # noqa: S608
        " (SELECT min(number) FROM runs WHERE requested < ?1 GROUP BY place, step, strftime('%Y-%W', requested)))",
        (_before(now, WHOLE), _before(now, THINNED)),
    )


def _forget_looks(database: sqlite3.Connection, now: datetime) -> None:
    marks = ", ".join(f"'{step}'" for step in _LOOKING)
    database.execute(
        f"DELETE FROM runs WHERE {_ENDED} AND step IN ({marks}) AND (requested < ? OR number <="  # noqa: S608
        f" (SELECT number FROM runs WHERE step IN ({marks}) ORDER BY number DESC LIMIT 1 OFFSET ?))",
        (_before(now, LOOKS), MOST_LOOKS),
    )


def _forget_excess(database: sqlite3.Connection) -> None:
    crowded = database.execute(
        "SELECT place, step FROM runs GROUP BY place, step HAVING count(*) > ?", (MOST_AT_ONE_PLACE,)
    ).fetchall()
    for place, step in crowded:
        database.execute(
            f"DELETE FROM runs WHERE {_ENDED} AND place = ?1 AND step = ?2 AND number <="  # noqa: S608
            " (SELECT number FROM runs WHERE place = ?1 AND step = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?3)",
            (place, step, MOST_AT_ONE_PLACE),
        )


def _slim(database: sqlite3.Connection, now: datetime, slimmed: int) -> int:
    paths = ", ".join(f"'$.{name}'" for name in _LISTS)
    (until,) = database.execute(
        "SELECT coalesce(max(number), 0) FROM runs WHERE requested < ?", (_before(now, LISTS),)
    ).fetchone()
    database.execute(
        f"UPDATE runs SET result = json_remove(result, {paths})"  # noqa: S608
        " WHERE number > ? AND number <= ? AND result IS NOT NULL AND json_valid(result)",
        (slimmed, until),
    )
    return max(slimmed, int(until))
