"""The journal's tables, how a database of an earlier version gets those it lacks, and what is done with one that cannot be used."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives.place_identity import legacy_uid

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

_PLACES = """
ALTER TABLE runs ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN whole TEXT NOT NULL DEFAULT '';
UPDATE runs SET place = legacy_uid(dataset, location), whole = legacy_uid(dataset, '');
DROP INDEX runs_by_target;
CREATE INDEX runs_by_place ON runs (place, step, number);
ALTER TABLE latest RENAME TO latest_by_name;
CREATE TABLE latest (
  place TEXT NOT NULL, step TEXT NOT NULL, dataset TEXT NOT NULL, location TEXT NOT NULL,
  last_success TEXT, last_attempt TEXT, failures INTEGER NOT NULL, error TEXT, result TEXT, state TEXT,
  PRIMARY KEY (place, step)
) WITHOUT ROWID;
INSERT INTO latest SELECT legacy_uid(dataset, location), step, dataset, location,
  last_success, last_attempt, failures, error, result, state FROM latest_by_name;
DROP TABLE latest_by_name;
ALTER TABLE holds RENAME TO holds_by_name;
CREATE TABLE holds (whole TEXT PRIMARY KEY, dataset TEXT NOT NULL, held TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO holds SELECT legacy_uid(dataset, ''), dataset, held FROM holds_by_name;
DROP TABLE holds_by_name;
ALTER TABLE approvals RENAME TO approvals_by_name;
CREATE TABLE approvals (whole TEXT PRIMARY KEY, removed INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO approvals SELECT legacy_uid(dataset, ''), removed, changed FROM approvals_by_name;
DROP TABLE approvals_by_name;
UPDATE facts SET name = legacy_fact(name);
CREATE TABLE removals (
  number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL,
  place TEXT NOT NULL, whole TEXT NOT NULL, dataset TEXT NOT NULL, location TEXT NOT NULL,
  version TEXT NOT NULL, reason TEXT NOT NULL
);
"""
"""Version 3: what is recorded goes by the uid of its place (`core/primitives/place_identity.py`); the names beside it are those of then."""

_SCRIPTS = (_TABLES, _KITS, _PLACES)
"""What makes the tables of version 1, 2, ... (`PRAGMA user_version`) from those of the version before. Append only."""

VERSION = len(_SCRIPTS)

_NAMES = frozenset({"runs", "latest", "holds", "approvals", "facts", "kits", "removals"})
"""All tables of this version."""

_SUFFIXES = ("", "-wal", "-shm")

_MAGIC = b"SQLite format 3\0"


def refuse_newer(path: Path) -> None:
    """Raise `ParaduxError` "journal-newer" for a database of a later version; it is only read."""
    version = _stored_version(path)
    if version > VERSION:
        raise ParaduxError(
            "journal-newer",
            f"the journal {path} was written by a newer Paradux (its format is {version}, this one knows {VERSION});"
            " nothing was touched",
            "start the newer paraduxd again",
        )


def _stored_version(path: Path) -> int:
    """`PRAGMA user_version`, 0 when there is none. While a log lies beside the database the header may be behind."""
    try:
        if not path.with_name(path.name + "-wal").stat().st_size:
            return _version_in_header(path)
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])
    except FileNotFoundError:
        return _version_in_header(path)
    except (OSError, sqlite3.Error):
        return 0


def _version_in_header(path: Path) -> int:
    """Source: https://www.sqlite.org/fileformat.html, offset 60."""
    try:
        with path.open("rb") as file:
            header = file.read(64)
    except OSError:
        return 0
    return int.from_bytes(header[60:64], "big") if header.startswith(_MAGIC) else 0


def why_lost(path: Path) -> str:
    """What is wrong with a journal that should hold something: "missing", "empty", or nothing as far as a look can tell."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        return "missing"
    except OSError:
        return ""
    has_no_tables = start == _MAGIC and _stored_version(path) == 0
    return "empty" if not start or has_no_tables else ""


def open_database(path: Path, first_facts: Mapping[str, object] | None = None) -> sqlite3.Connection:
    """The database with its tables; a new one begins with these facts, in the transaction that makes its tables.

    Raises `sqlite3.DatabaseError` when it is damaged, `sqlite3.OperationalError` when it cannot be written.
    """
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        prepare(database, first_facts)
    except BaseException:
        database.close()
        raise
    return database


def prepare(database: sqlite3.Connection, first_facts: Mapping[str, object] | None = None) -> None:
    """Check the database and make the tables that it lacks."""
    if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the check of the journal failed")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version < VERSION:
        _bring_up_to_date(database, version, first_facts or {})
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables >= _NAMES:
        raise sqlite3.DatabaseError("the journal lacks tables")


def _bring_up_to_date(database: sqlite3.Connection, version: int, first_facts: Mapping[str, object]) -> None:
    database.create_function("legacy_uid", 2, legacy_uid, deterministic=True)
    database.create_function("legacy_fact", 1, _legacy_fact, deterministic=True)
    database.execute("BEGIN IMMEDIATE")
    try:
        for script in _SCRIPTS[version:]:
            for statement in filter(str.strip, script.split(";")):
                database.execute(statement)
        if version == 0:
            rows = [(name, json.dumps(value)) for name, value in first_facts.items()]
            database.executemany("INSERT INTO facts VALUES (?, ?)", rows)
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _legacy_fact(name: str) -> str:
    """The name of a fact that version 2 named by dataset and location."""
    what, _, subject = name.partition("/")
    if what == "changes":
        return f"{what}/{legacy_uid(subject, '')}"
    if what == "maintenance" and subject.count("/") == 2:
        dataset, _, location = subject.split("/")
        return f"{what}/{legacy_uid(dataset, location)}"
    return name


def set_aside(path: Path, now: datetime) -> str:
    """Rename a database that cannot be used, so that a new one can be begun beside it; gives its new name ("" when nothing was there)."""
    name = f"{path.name}.damaged-{now.strftime('%Y%m%dT%H%M%SZ')}"
    while path.with_name(name).exists():
        name += "+"
    for suffix in reversed(_SUFFIXES):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(name + suffix))
    return name if path.with_name(name).exists() else ""


def aside(path: Path) -> tuple[str, ...]:
    """The names of databases that were set aside."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return tuple(sorted(each.name for each in found if not each.name.endswith(_SUFFIXES[1:])))
