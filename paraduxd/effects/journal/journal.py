"""The journal: what ran, when, and how it ended, in SQLite. It survives SIGKILL and power cuts at any moment.

Every change is one transaction that is on disk when the call returns; a journal that was lost is begun anew (`database.py`).
Times are RFC 3339 texts in UTC, given by the caller. Every method raises `ParaduxError` "journal-failed" when the disk is full or broken.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies import results
from paraduxd.core.plan.place_names import Places
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.facts import Key, Latest
from paraduxd.core.runs.orders import Failed
from paraduxd.effects.journal import days, thinning
from paraduxd.effects.journal.latest_runs import LatestRuns
from paraduxd.effects.journal.notes import Notes
from paraduxd.effects.journal.thinning import Marks
from paraduxd.effects.journal.values import read, read_error, write, write_error

DAYS = 14
KEEP_REMOVALS_FOR = timedelta(days=5 * 366)

UNFINISHED = ("queued", "running")

INTERRUPTED = Failed("interrupted", "the daemon ended while this ran", "it runs again by itself")


@dataclass(frozen=True)
class RecordedRun:
    """One run, under the names of then; `place`: the uid of its place.

    `trigger`: schedule, manual, retry, catch-up or drill; `state`: queued, running, done, failed, held, interrupted or cancelled;
    `result`: that of the step (`api/replies/results.py`).
    """

    number: int
    dataset: str
    step: str
    location: str
    trigger: str
    state: str
    requested: str
    started: str | None = None
    ended: str | None = None
    bytes: int | None = None
    files: int | None = None
    error: Failed | None = None
    result: JsonObject | None = None
    place: str = ""

    @property
    def key(self) -> Key:
        """Dataset, step and location."""
        return (self.dataset, self.step, self.location)


@dataclass(frozen=True)
class Ending:
    """How a run ended: its last state, when, and what came of it."""

    state: str
    at: str
    error: Failed | None = None
    result: JsonObject | None = None
    bytes: int | None = None
    files: int | None = None


UNRECORDED = 1 << 40
"""Numbers from here on are those of runs that only read, and that could not be recorded: they are known until the daemon ends."""

KEEP_UNRECORDED = 200


class Journal(Notes):
    """The one connection to the journal; any thread may call."""

    _days: tuple[tuple[sqlite3.Connection, int, Places], datetime, dict[Key, tuple[str, ...]]] | None = None
    """What `days` has read, of which state, and when."""

    def __init__(self, path: Path, now: datetime, *, expected: bool = False) -> None:
        self._in_memory_only: dict[int, RecordedRun] = {}
        self._latest = LatestRuns()
        super().__init__(path, now, expected=expected)

    # Runs

    def add(self, key: Key, trigger: str, now: str) -> RecordedRun:
        """A new run, queued."""
        with self.batch():
            cursor = self._database.execute(
                "INSERT INTO runs (dataset, step, location, trigger, state, requested, place, whole)"
                " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                (*key, trigger, now, self._place(key), self._places.uid(key[0])),
            )
        return RecordedRun(int(cursor.lastrowid or 0), *key, trigger, "queued", now, place=self._place(key))

    def add_reading(self, key: Key, trigger: str, now: str) -> RecordedRun:
        """A new run that only reads, queued: when it cannot be recorded it is known all the same."""
        try:
            return self.add(key, trigger, now)
        except ParaduxError:
            with self._lock:
                number = max([UNRECORDED, *self._in_memory_only]) + 1
                run = RecordedRun(number, *key, trigger, "queued", now, place=self._place(key))
                self._in_memory_only[number] = run
                for old in sorted(self._in_memory_only)[:-KEEP_UNRECORDED]:
                    del self._in_memory_only[old]
            return run

    def start_reading(self, number: int, now: str) -> None:
        """The run, which only reads, runs now, whether that can be recorded or not."""
        if number < UNRECORDED:
            with contextlib.suppress(ParaduxError):
                self.start(number, now)
        elif number in self._in_memory_only:
            self._in_memory_only[number] = replace(self._in_memory_only[number], state="running", started=now)

    def show_ended(self, number: int, ending: Ending) -> None:
        """The run has ended, which is not recorded yet: until it is, or the daemon ends, it is shown as ended."""
        for run in self.get([number]):
            self._in_memory_only[number] = replace(
                run,
                state=ending.state,
                ended=ending.at,
                error=ending.error,
                result=ending.result,
                bytes=ending.bytes,
                files=ending.files,
            )

    def start(self, number: int, now: str) -> None:
        """The run runs now."""
        with self.batch():
            self._database.execute("UPDATE runs SET state = 'running', started = ? WHERE number = ?", (now, number))

    def finish(self, number: int, ending: Ending) -> None:
        """The run has ended. A run that has ended before stays as it is."""
        if number >= UNRECORDED:
            self.show_ended(number, ending)
            return
        with self.batch():
            run = next(iter(self._runs("WHERE number = ?", (number,))), None)
            if run is None or run.state not in UNFINISHED:
                return
            self._database.execute(
                "UPDATE runs SET state = ?, ended = ?, error = ?, result = ?, bytes = ?, files = ? WHERE number = ?",
                (
                    ending.state,
                    ending.at,
                    write_error(ending.error),
                    write(ending.result),
                    ending.bytes,
                    ending.files,
                    number,
                ),
            )
            latest = latest_after(self._latest.one(self._database, run.place, run.step), run, ending)
            self._latest.record(self._database, run.place, run.key, latest, ending.result)
        self._in_memory_only.pop(number, None)

    def get(self, numbers: Iterable[int]) -> tuple[RecordedRun, ...]:
        """The runs with these numbers, by number; those that are unknown or forgotten are left out."""
        known = self._in_memory_only
        found = [
            (known[number],) if number in known else self._runs("WHERE number = ?", (number,))
            for number in sorted(set(numbers))
        ]
        return tuple(run for runs in found for run in runs)

    def history(self, dataset: str | None = None, *, failed: bool = False, limit: int = 100) -> tuple[RecordedRun, ...]:
        """Past and present runs, newest first; `failed`: only those that failed, were held or interrupted.

        Heartbeats that were taken are left out: they come every few minutes, and nobody looks for one.
        """
        wanted = "WHERE (?1 IS NULL OR dataset = ?1 OR whole = ?3) AND NOT (step = 'heartbeat' AND state = 'done')"
        if failed:
            wanted += " AND state IN ('failed', 'held', 'interrupted')"
        values = (dataset, max(0, limit), self._places.uid(dataset or ""))
        recorded = self._runs(wanted + " ORDER BY number DESC LIMIT ?2", values)
        return (*self._unrecorded(dataset, failed=failed), *recorded)[: max(0, limit)]

    def _unrecorded(self, dataset: str | None, *, failed: bool) -> list[RecordedRun]:
        states = ("failed", "held", "interrupted")
        found = [run for number, run in sorted(self._in_memory_only.items(), reverse=True) if number >= UNRECORDED]
        return [run for run in found if dataset in (None, run.dataset) and (run.state in states or not failed)]

    def last(self, key: Key, states: Sequence[str]) -> RecordedRun | None:
        """The newest run of this target in one of these states."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE place = ? AND step = ? AND state IN ({marks}) ORDER BY number DESC LIMIT 1"
        return next(iter(self._runs(where, (self._place(key), key[1], *states))), None)

    def newest(self) -> int:
        """The number of the newest run that is recorded; 0 before the first."""
        return max((run.number for run in self._runs("ORDER BY number DESC LIMIT 1", ())), default=0)

    def mark_interrupted(self, now: str, newest: int | None = None) -> tuple[RecordedRun, ...]:
        """What was queued or running when the last supervisor ended, now marked as interrupted; `newest`: its last run."""
        where = "WHERE state IN ('queued', 'running') AND number <= ? ORDER BY number"
        with self.batch():
            runs = self._runs(where, (self.newest() if newest is None else newest,))
            for run in runs:
                self.finish(run.number, Ending("interrupted", now, INTERRUPTED))
        return tuple(replace(run, state="interrupted", ended=now, error=INTERRUPTED) for run in runs)

    def prune(self, now: datetime) -> bool:
        """Forget a piece of what is old: a year of every dataset stays, and of earlier ones a run a week (`thinning.py`).

        Gives whether more is due. It comes in pieces, between which others have their turn.
        """
        with self.batch():
            slimmed = self.fact(thinning.SLIMMED)
            before = self.fact_as(Marks, thinning.MARKS) or Marks(slimmed=slimmed if isinstance(slimmed, int) else 0)
            marks, more = thinning.thin(self._database, now, before)
            if marks != before:
                self.set_fact(thinning.MARKS, to_json_value(marks))
            if not more:
                stamp = timestamps.stamp(now - KEEP_REMOVALS_FOR)
                self._database.execute("DELETE FROM removals WHERE at < ?", (stamp,))
        return more

    def _runs(self, where: str, values: Sequence[object]) -> tuple[RecordedRun, ...]:
        with self._lock, self._translated_errors():
            rows = self._database.execute(f"SELECT {_RUN_COLUMNS} FROM runs {where}", values).fetchall()  # noqa: S608
        return tuple(_run(row) for row in rows)

    def _place(self, key: Key) -> str:
        return self._places.uid(key[0], key[2])

    # How the last runs of every target ended

    def latest_by_target(self) -> dict[Key, Latest]:
        """Everything that status and schedule need, by the names of now; what was written since the last time is read anew."""
        with self._lock, self._translated_errors():
            return self._latest.by_target(self._database, self._places, may_be_undone=bool(self._open_transactions))

    def days(self, now: datetime, datasets: Collection[str] | None = None) -> dict[Key, tuple[str, ...]]:
        """How the pulls and pushes of the last `DAYS` days ended, 24 hours each, the newest last: "ok", "failed" or "" by target.

        Those of all datasets are read anew when something was written, or after a minute.
        """
        with self._lock:
            if datasets is not None:
                chosen = [uid for (dataset, _), uid in self._places.uids.items() if dataset in set(datasets)]
                return self._all_days(now, chosen)
            state = (self._database, self._database.total_changes, self._places)
            if self._open_transactions:  # what is written now may be taken back
                return self._all_days(now)
            known = self._days
            if known is None or known[0] != state or not timedelta() <= now - known[1] < days.KEPT_FOR:
                known = self._days = (state, now, self._all_days(now))
            return dict(known[2])

    def _all_days(self, now: datetime, places: Collection[str] | None = None) -> dict[Key, tuple[str, ...]]:
        with self._lock, self._translated_errors():
            rows = days.ended(self._database, now, DAYS, places)
        found: dict[Key, list[str]] = {}
        for place, (dataset, step, location), age, state in rows:
            name = self._places.name(place, (dataset, location))
            if name is not None and 0 <= age < DAYS:
                found.setdefault((name[0], step, name[1]), [""] * DAYS)[DAYS - 1 - age] = state
        return {key: tuple(each) for key, each in found.items()}

    def latest(self, key: Key) -> Latest:
        """How the last runs of one target ended."""
        with self._lock, self._translated_errors():
            return self._latest.one(self._database, self._place(key), key[1])


def latest_after(latest: Latest, run: RecordedRun, ending: Ending) -> Latest:
    """What is known of a target after one more run.

    A failure counts from its end, so that the pause after a long one is a pause; a run that did not happen because an earlier one failed
    ("not-run") is a failure, too. An interrupted run changes nothing: it is run again.
    """
    if ending.state == "interrupted":
        return latest
    attempt = run.started or ending.at
    if ending.state == "done":
        seconds = None if ending.result is None else _seconds(run.started, ending.at)
        return Latest(attempt, attempt, 0, None, results.read(run.step, ending.result), "done", seconds)
    if ending.state == "failed" or (ending.error is not None and ending.error.code == "not-run"):
        return replace(
            latest, last_attempt=ending.at, failures=latest.failures + 1, error=ending.error, state=ending.state
        )
    failures = 0 if ending.state == "held" else latest.failures
    return replace(latest, last_attempt=attempt, failures=failures, state=ending.state)


def _seconds(started: str | None, ended: str) -> int | None:
    """How long a run took: at least a second, which is what the journal tells apart."""
    begin, end = timestamps.parse(started), timestamps.parse(ended)
    return None if begin is None or end is None else max(1, int((end - begin).total_seconds()))


_RUN_COLUMNS = (
    "number, dataset, step, location, trigger, state, requested, started, ended, bytes, files, error, result, place"
)


def _run(row: tuple[Any, ...]) -> RecordedRun:
    *plain, error, result, place = row
    return RecordedRun(*(*plain, read_error(error), read(result), place))
