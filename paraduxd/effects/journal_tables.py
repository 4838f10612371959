"""The journal's tables, and how a database of an earlier version gets those it lacks."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path

_TABLES = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset TEXT NOT NULL, step TEXT NOT NULL, location TEXT NOT NULL,
  trigger TEXT NOT NULL, state TEXT NOT NULL,
  requested TEXT NOT NULL, started TEXT, ended TEXT,
  bytes INTEGER, files INTEGER, error TEXT, result TEXT
);
CREATE INDEX runs_by_target ON runs (dataset, step, location, number);
CREATE INDEX runs_unfinished ON runs (state) WHERE state IN ('queued', 'running');
CREATE TABLE latest (
  dataset TEXT NOT NULL, step TEXT NOT NULL, location TEXT NOT NULL,
  last_success TEXT, last_attempt TEXT, failures INTEGER NOT NULL, error TEXT, result TEXT, state TEXT,
  PRIMARY KEY (dataset, step, location)
) WITHOUT ROWID;
CREATE TABLE holds (dataset TEXT PRIMARY KEY, held TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE approvals (dataset TEXT PRIMARY KEY, removed INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_KITS = """
CREATE TABLE kits (
  steward TEXT NOT NULL, epoch INTEGER NOT NULL,
  serial INTEGER, written TEXT, last_seen TEXT, device_serial TEXT, uuid TEXT, kit_sha256 TEXT,
  void INTEGER NOT NULL, problems TEXT NOT NULL,
  PRIMARY KEY (steward, epoch)
) WITHOUT ROWID;
"""

_SCRIPTS = (_TABLES, _KITS)
"""What makes the tables of version 1, 2, ... (`PRAGMA user_version`) from those of the version before. Append only."""

VERSION = len(_SCRIPTS)


def open_database(path: Path) -> sqlite3.Connection:
    """The database with its tables; raises `sqlite3.DatabaseError` when it is damaged."""
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the check of the journal failed")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.DatabaseError("the journal is of a later version")
        if version < VERSION:
            scripts = " ".join(_SCRIPTS[version:])
            database.executescript(f"BEGIN IMMEDIATE; {scripts} PRAGMA user_version = {VERSION}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def set_aside(path: Path, now: datetime) -> None:
    """Rename a damaged database, so that a new one can be begun beside it."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(f"{path.name}.damaged-{time}{suffix}"))
