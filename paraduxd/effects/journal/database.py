"""The database under the journal: opened, replaced when it is lost, copied into memory when it cannot be written, and its transactions.

A journal that is damaged is set aside (`journal.sqlite.damaged-TIME`, never removed) and a new one begun, which remembers that: what
the old one held is unknown then, so that `hold_if_lost` holds every dataset. One that is missing or empty where there
should be one counts as lost, too. One that cannot be written (a full disk, a read-only one) is read: what it held is
there, and nothing can be recorded until it can be written again.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives import timestamps
from paraduxd.effects.journal.schema import aside, open_database, prepare, refuse_newer, set_aside, why_lost

log = logging.getLogger("paradux.journal")

LOST = "journal/lost"
"""Name of the fact that a journal was lost: {"at", "why": "missing", "empty" or "damaged", "aside", "held"}."""

ALARM = "alarm"
"""Name of the fact with the newest alarm, after which nothing is removed for a while: {"at": RFC 3339, "why": sentence}."""

MEMORY = Path("/dev/shm")  # noqa: S108  a private directory is made in it


class Database:
    """The one connection; any thread may use it. `expected`: something was recorded here before, so that nothing here means lost."""

    def __init__(self, path: Path, now: datetime, *, expected: bool = False) -> None:
        self._path = path
        self._now = now
        self._expected = expected
        self._lock = threading.RLock()
        self._open_transactions = 0
        self._is_copy = False
        self.failing = ""
        """Why nothing could be recorded at the last try; "" when it could."""
        with self._translated_errors():
            self._database = self._opened()

    def close(self) -> None:
        """End; the journal may be opened again."""
        with self._lock:
            self._database.close()

    def damaged(self) -> bool:
        """A damaged journal was set aside and still lies beside this one: what it knew is missing here."""
        return bool(self.set_aside)

    @property
    def set_aside(self) -> tuple[str, ...]:
        """The names of journals that were set aside and still lie beside this one."""
        return aside(self._path)

    def _opened(self) -> sqlite3.Connection:
        """Raises `ParaduxError` "journal-newer", or `sqlite3.Error` when there is nothing to read either."""
        refuse_newer(self._path)
        lost = why_lost(self._path) if self._expected else ""
        try:
            return self._begun_anew(lost) if lost else self._open_or_begin_anew()
        except (sqlite3.OperationalError, OSError) as problem:
            if not lost and not self._path.exists():
                raise
            self.failing = str(problem)
            log.error("The journal cannot be written: %s", problem)
            return self._in_memory(lost)

    def _open_or_begin_anew(self) -> sqlite3.Connection:
        try:
            return open_database(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return self._begun_anew("damaged")

    def _begun_anew(self, why: str) -> sqlite3.Connection:
        kept = set_aside(self._path, self._now)
        log.error(
            "The journal was lost (%s): a new one is begun%s", why, f", the old one is kept as {kept}" * bool(kept)
        )
        return open_database(self._path, self._loss(why, kept))

    def _loss(self, why: str, kept: str) -> dict[str, object]:
        at = timestamps.stamp(self._now)
        alarm = {"at": at, "why": "the journal was lost, and an alarm may have been in it"}
        return {LOST: {"at": at, "why": why, "aside": kept, "held": False}, ALARM: alarm}

    def _in_memory(self, lost: str) -> sqlite3.Connection:
        """What the journal holds, in memory, where nothing can be recorded."""
        database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if not lost:
            lost = self._copied_into(database)
        if lost:
            prepare(database, self._loss(lost, ""))
        database.execute("PRAGMA query_only = 1")
        self._is_copy = True
        return database

    def _copied_into(self, database: sqlite3.Connection) -> str:
        """Copy with the log that lies beside it; gives why that cannot be done, if so."""
        with tempfile.TemporaryDirectory(prefix="paradux-journal-", dir=MEMORY) as folder:
            for path in self._path.parent.glob(f"{self._path.name}*"):
                if path.name in (self._path.name, f"{self._path.name}-wal"):
                    shutil.copyfile(path, Path(folder, path.name))
            try:
                copy = open_database(Path(folder, self._path.name))
            except sqlite3.DatabaseError:
                return "damaged"
            with contextlib.closing(copy):
                copy.backup(database)
        return ""

    def _reopen(self) -> None:
        """Go back to the file, once it can be written."""
        database = self._file_opened()
        self._database.close()
        self._database, self._is_copy = database, False
        log.info("The journal can be written again")

    def _file_opened(self) -> sqlite3.Connection:
        refuse_newer(self._path)
        lost = why_lost(self._path)
        return self._begun_anew(lost) if lost else self._open_or_begin_anew()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction around several calls: all of it is written, or nothing. Raises `ParaduxError` "journal-failed"."""
        with self._lock, self._translated_errors():
            if self._open_transactions:
                yield
                return
            if self._is_copy:
                self._reopen()
            with self._transaction():
                yield
            self.failing = ""

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        self._open_transactions += 1
        try:
            with self._first():
                yield
                self._database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise
        finally:
            self._open_transactions -= 1

    @contextlib.contextmanager
    def _first(self) -> Iterator[None]:
        """What every transaction begins with, and what is undone when it fails."""
        yield

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Say it as an error of ours; the text of SQLite's own names files, never values."""
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            self.failing = str(problem)
            raise ParaduxError(
                "journal-failed",
                f"cannot read or write the journal of runs: {problem}",
                f"see that the disk of {self._path.parent} is whole, has space, and can be written",
            ) from problem
