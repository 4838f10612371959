"""How the runs of each of the last days ended, place by place: what status shows as a row of days."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Key
from paraduxd.core.runs.orders import Step
from paraduxd.effects.journal.numbers import first_since

KEPT_FOR = timedelta(minutes=1)
"""Days pass by themselves."""

_STEPS = (Step.PULL, Step.PUSH)


def ended(
    database: sqlite3.Connection, now: datetime, days: int, places: Collection[str] | None = None
) -> Iterator[tuple[str, Key, int, str]]:
    """Place, target, how many whole days ago, and "ok" where one run went well, "failed" where none did; of these places, or of all."""
    stamp = timestamps.stamp(now)
    chosen = "" if places is None else " AND place IN (SELECT value FROM json_each(?))"
    rows = database.execute(
        "SELECT place, dataset, step, location, CAST(julianday(?) - julianday(ended) AS INTEGER) AS age, max(state = 'done')"  # noqa: S608
        " FROM runs WHERE number >= ? AND step IN (?, ?) AND state IN ('done', 'failed', 'held', 'interrupted')"
        f" AND ended <= ?{chosen} GROUP BY place, step, age",
        (
            *(stamp, first_since(database, now - timedelta(days=days + 1)), *_STEPS, stamp),
            *(() if places is None else (json.dumps(list(places)),)),
        ),
    ).fetchall()
    for place, dataset, step, location, age, well in rows:
        if age is not None:
            yield place, (dataset, step, location), age, "ok" if well else "failed"
