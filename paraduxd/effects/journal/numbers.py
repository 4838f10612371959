"""Numbers of runs and times: numbers are in order of time, and there is no index of times."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from paraduxd.core.primitives import timestamps


def first_since(database: sqlite3.Connection, begin: datetime) -> int:
    """The number of the first run since then, or the next number when there is none, by bisection."""
    (low, high) = database.execute(
        # Of two aggregates in one query none is looked up: they would read the whole table.
        "SELECT coalesce((SELECT min(number) FROM runs), 0), coalesce((SELECT max(number) FROM runs), 0) + 1"
    ).fetchone()
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
