"""How the runs of each of the last days ended, place by place: what status shows as a row of days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step

_STEPS = (Step.PULL, Step.PUSH)


def ended(database: sqlite3.Connection, now: datetime, days: int) -> Iterator[tuple[str, Key, int, str]]:
    """Place, target, how many whole days ago, and "ok" where one run went well, "failed" where none did."""
    stamp = timestamps.stamp(now)
    rows = database.execute(
        "SELECT place, dataset, step, location, CAST(julianday(?) - julianday(ended) AS INTEGER) AS age, max(state = 'done')"
        " FROM runs WHERE number >= ? AND step IN (?, ?) AND state IN ('done', 'failed', 'held', 'interrupted')"
        " AND ended <= ? GROUP BY place, step, age",
        (stamp, _first_since(database, now - timedelta(days=days + 1)), *_STEPS, stamp),
    ).fetchall()
    for place, dataset, step, location, age, well in rows:
        if age is not None:
            yield place, (dataset, step, location), age, "ok" if well else "failed"


def _first_since(database: sqlite3.Connection, begin: datetime) -> int:
    """The number of the first run since then, by bisection: numbers are in order of time, and there is no index of times."""
    (low, high) = database.execute("SELECT coalesce(min(number), 0), coalesce(max(number), 0) + 1 FROM runs").fetchone()
    stamp = timestamps.stamp(begin)
    while low < high:
        middle = (low + high) // 2
        row = database.execute(
            "SELECT number, requested FROM runs WHERE number >= ? ORDER BY number LIMIT 1", (middle,)
        ).fetchone()
        if row is not None and row[1] < stamp:
            low = int(row[0]) + 1
        else:
            high = middle
    return int(low)
