"""The journal: what ran, when, and how it ended, in SQLite. It survives SIGKILL and power cuts at any moment.

Every change is one transaction that is on disk when the call returns. A journal that is damaged is set aside
(`journal.sqlite.damaged-TIME`) and a new one begun: backups go on. Times are RFC 3339 texts in UTC, given by the caller.
Every method raises `ParaduxError` "journal-failed" when the disk is full or broken.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import kits as kit_rules
from paraduxd.core import moments
from paraduxd.core.facts import Key, Latest
from paraduxd.core.kits import KitRecord
from paraduxd.effects.journal_tables import open_database, set_aside

KEEP_RUNS = 10_000
KEEP_FOR = timedelta(days=366)

UNFINISHED = ("queued", "running")

INTERRUPTED = {"code": "interrupted", "message": "the daemon ended while this ran", "hint": "it runs again by itself"}


@dataclass(frozen=True)
class Run:
    """One run. `trigger`: schedule, manual, retry, catch-up or drill; `state`: queued, running, done, failed, held, interrupted
    or cancelled; `error`: code, message and hint; `result`: that of the step (`core/orders.py`)."""

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
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None

    @property
    def key(self) -> Key:
        """Dataset, step and location."""
        return (self.dataset, self.step, self.location)


@dataclass(frozen=True)
class Ending:
    """How a run ended: its last state, when, and what came of it."""

    state: str
    at: str
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    bytes: int | None = None
    files: int | None = None


_KIT_COLUMNS = "steward, epoch, serial, written, last_seen, device_serial, uuid, kit_sha256, void, problems"


class Journal:
    """The one connection to the journal; any thread may call."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._open_transactions = 0
        with _told():
            try:
                self._database = open_database(path)
            except sqlite3.DatabaseError as problem:
                if isinstance(problem, sqlite3.OperationalError):
                    raise
                set_aside(path, now)
                self._database = open_database(path)

    def close(self) -> None:
        """End; the journal may be opened again."""
        with self._lock:
            self._database.close()

    def damaged(self) -> bool:
        """A damaged journal was set aside and still lies beside this one: what it knew is missing here."""
        return any(self._path.parent.glob(f"{self._path.name}.damaged-*"))

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction around several calls: all of it is written, or nothing."""
        with self._lock, _told():
            if self._open_transactions:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            self._open_transactions += 1
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise
            finally:
                self._open_transactions -= 1

    # Runs

    def add(self, key: Key, trigger: str, now: str) -> Run:
        """A new run, queued."""
        with self.batch():
            cursor = self._database.execute(
                "INSERT INTO runs (dataset, step, location, trigger, state, requested) VALUES (?, ?, ?, ?, 'queued', ?)",
                (*key, trigger, now),
            )
        return Run(int(cursor.lastrowid or 0), *key, trigger, "queued", now)

    def start(self, number: int, now: str) -> None:
        """The run runs now."""
        with self.batch():
            self._database.execute("UPDATE runs SET state = 'running', started = ? WHERE number = ?", (now, number))

    def finish(self, number: int, ending: Ending) -> None:
        """The run has ended. A run that has ended before stays as it is."""
        with self.batch():
            run = next(iter(self.get([number])), None)
            if run is None or run.state not in UNFINISHED:
                return
            self._database.execute(
                "UPDATE runs SET state = ?, ended = ?, error = ?, result = ?, bytes = ?, files = ? WHERE number = ?",
                (
                    ending.state,
                    ending.at,
                    _write(ending.error),
                    _write(ending.result),
                    ending.bytes,
                    ending.files,
                    number,
                ),
            )
            self._set_latest(run.key, latest_after(self.latest(run.key), run.started, ending))

    def get(self, numbers: Iterable[int]) -> tuple[Run, ...]:
        """The runs with these numbers, by number; those that are unknown or forgotten are left out."""
        found = [self._runs("WHERE number = ?", (number,)) for number in sorted(set(numbers))]
        return tuple(run for runs in found for run in runs)

    def history(self, dataset: str | None = None, *, failed: bool = False, limit: int = 100) -> tuple[Run, ...]:
        """Past and present runs, newest first; `failed`: only those that failed, were held or interrupted."""
        wanted = "WHERE (?1 IS NULL OR dataset = ?1)"
        if failed:
            wanted += " AND state IN ('failed', 'held', 'interrupted')"
        return self._runs(wanted + " ORDER BY number DESC LIMIT ?2", (dataset, max(0, limit)))

    def last(self, key: Key, states: Sequence[str]) -> Run | None:
        """The newest run of this target in one of these states."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE dataset = ? AND step = ? AND location = ? AND state IN ({marks}) ORDER BY number DESC LIMIT 1"
        return next(iter(self._runs(where, (*key, *states))), None)

    def mark_interrupted(self, now: str) -> tuple[Run, ...]:
        """What was queued or running when the last supervisor ended, now marked as interrupted."""
        with self.batch():
            runs = self._runs("WHERE state IN ('queued', 'running') ORDER BY number", ())
            for run in runs:
                self.finish(run.number, Ending("interrupted", now, INTERRUPTED))
        return tuple(replace(run, state="interrupted", ended=now, error=INTERRUPTED) for run in runs)

    def prune(self, now: datetime) -> None:
        """Forget what ended more than a year ago, and all but the newest 10,000 runs."""
        with self.batch():
            self._database.execute(
                "DELETE FROM runs WHERE state NOT IN ('queued', 'running') AND"
                " (requested < ? OR number <= (SELECT max(number) FROM runs) - ?)",
                (moments.stamp(now - KEEP_FOR), KEEP_RUNS),
            )

    def _runs(self, where: str, values: Sequence[Any]) -> tuple[Run, ...]:
        columns = (
            "number, dataset, step, location, trigger, state, requested, started, ended, bytes, files, error, result"
        )
        with self._lock, _told():
            rows = self._database.execute(f"SELECT {columns} FROM runs {where}", values).fetchall()  # noqa: S608
        return tuple(Run(*row[:11], *map(_read, row[11:])) for row in rows)

    # How the last runs of every target ended

    def latest_by_target(self) -> dict[Key, Latest]:
        """Everything that status and schedule need, in one query."""
        return dict(self._latest(""))

    def latest(self, key: Key) -> Latest:
        """How the last runs of one target ended."""
        found = self._latest("WHERE dataset = ? AND step = ? AND location = ?", key)
        return found[0][1] if found else Latest()

    def _latest(self, where: str, values: Sequence[str] = ()) -> list[tuple[Key, Latest]]:
        columns = "dataset, step, location, last_success, last_attempt, failures, error, result, state"
        with self._lock, _told():
            rows = self._database.execute(f"SELECT {columns} FROM latest {where}", values).fetchall()  # noqa: S608
        return [
            ((dataset, step, location), Latest(success, attempt, failures, _read(error), _read(result), state))
            for dataset, step, location, success, attempt, failures, error, result, state in rows
        ]

    def _set_latest(self, key: Key, latest: Latest) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *key,
                latest.last_success,
                latest.last_attempt,
                latest.failures,
                _write(latest.error),
                _write(latest.result),
                latest.state,
            ),
        )

    # What stewards hold

    def kits(self) -> tuple[KitRecord, ...]:
        """What is known of every kit, by steward and epoch."""
        with self._lock, _told():
            rows = self._database.execute(f"SELECT {_KIT_COLUMNS} FROM kits ORDER BY steward, epoch").fetchall()  # noqa: S608
        return tuple(_kit(row) for row in rows)

    def record_kit(self, news: KitRecord) -> KitRecord:
        """Take in that a kit is being written, was written, or was seen (`core/kits.py`); gives the record as it is now."""
        with self.batch():
            known = {(record.steward, record.epoch): record for record in self.kits()}
            record = kit_rules.after(known.get((news.steward, news.epoch)), news)
            for each in (record, *kit_rules.displaced(known.values(), news)):
                self._put_kit(each)
        return record

    def _put_kit(self, record: KitRecord) -> None:
        self._database.execute(
            f"INSERT OR REPLACE INTO kits ({_KIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (*astuple(record)[:8], int(record.void), json.dumps(record.problems)),
        )

    def forget_kits(self, stewards: Collection[str]) -> tuple[str, ...]:
        """Forget the kits of everybody but these stewards; gives the names of those who were forgotten."""
        with self.batch():
            gone = sorted({record.steward for record in self.kits()} - set(stewards))
            self._database.executemany("DELETE FROM kits WHERE steward = ?", [(name,) for name in gone])
        return tuple(gone)

    # What the guard holds, what the owner has approved, and single facts

    def holds(self) -> dict[str, dict[str, Any]]:
        """Dataset -> what the guard said."""
        with self._lock, _told():
            return {name: _read(held) or {} for name, held in self._database.execute("SELECT dataset, held FROM holds")}

    def set_hold(self, dataset: str, held: dict[str, Any]) -> None:
        """Nothing of this dataset is pushed until the hold is cleared."""
        with self.batch():
            self._database.execute("INSERT OR REPLACE INTO holds VALUES (?, ?)", (dataset, _write(held)))

    def clear_hold(self, dataset: str) -> None:
        """Not held any more; no hold is success."""
        with self.batch():
            self._database.execute("DELETE FROM holds WHERE dataset = ?", (dataset,))

    def approval(self, dataset: str) -> dict[str, int] | None:
        """How many files the owner has allowed the next pull to lose and to change: {removed, changed}."""
        with self._lock, _told():
            query = "SELECT removed, changed FROM approvals WHERE dataset = ?"
            row = self._database.execute(query, (dataset,)).fetchone()
        return None if row is None else {"removed": row[0], "changed": row[1]}

    def set_approval(self, dataset: str, removed: int, changed: int) -> None:
        """The owner allows it, until a pull has made use of it."""
        with self.batch():
            self._database.execute("INSERT OR REPLACE INTO approvals VALUES (?, ?, ?)", (dataset, removed, changed))

    def clear_approval(self, dataset: str) -> None:
        """The approval is used up; none there is success."""
        with self.batch():
            self._database.execute("DELETE FROM approvals WHERE dataset = ?", (dataset,))

    def fact(self, name: str) -> Any:
        """A plain value that was kept under this name, or `None`."""
        with self._lock, _told():
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a plain value (what JSON can hold); `None` forgets it."""
        with self.batch():
            if value is None:
                self._database.execute("DELETE FROM facts WHERE name = ?", (name,))
            else:
                self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))


def latest_after(latest: Latest, started: str | None, ending: Ending) -> Latest:
    """What is known of a target after one more run.

    A failure counts from its end, so that the pause after a long one is a pause; a run that did not happen because an earlier one failed
    ("not-run") is a failure, too. An interrupted run changes nothing: it is run again.
    """
    if ending.state == "interrupted":
        return latest
    attempt = started or ending.at
    if ending.state == "done":
        return Latest(attempt, attempt, 0, None, ending.result, "done")
    if ending.state == "failed" or (ending.error or {}).get("code") == "not-run":
        return replace(
            latest, last_attempt=ending.at, failures=latest.failures + 1, error=ending.error, state=ending.state
        )
    failures = 0 if ending.state == "held" else latest.failures
    return replace(latest, last_attempt=attempt, failures=failures, state=ending.state)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say it as an error of ours; the text of SQLite's own names files, never values."""
    try:
        yield
    except (sqlite3.Error, OSError) as problem:
        raise ParaduxError(
            "journal-failed",
            f"cannot read or write the journal of runs: {problem}",
            "see that the state directory's disk is whole and has space",
        ) from problem


def _kit(row: Sequence[Any]) -> KitRecord:
    values = dict(zip(_KIT_COLUMNS.split(", "), row, strict=True))
    return KitRecord(**{**values, "void": bool(values["void"]), "problems": tuple(json.loads(values["problems"]))})


def _write(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
