"""The journal's memory of kits, and that a journal of the first version gets it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from paraduxd.core.kits import KitRecord
from paraduxd.effects import journal_tables
from paraduxd.effects.journal import Journal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KIT = KitRecord("alice", 1, 7, "2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z", "S1", "AB-CD", "aa")


def test_kits_are_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    others = (replace(KIT, epoch=2, void=True), replace(KIT, steward="bob", problems=("one", "two"), uuid=None))
    assert journal.kits() == ()
    for record in (KIT, *others):
        assert journal.record_kit(record) == record
    journal.close()
    assert Journal(tmp_path / "journal.sqlite", NOW).kits() == (KIT, *others)


def test_news_are_taken_in_by_the_rules(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    journal.record_kit(KIT)
    seen = journal.record_kit(replace(KIT, last_seen="2026-11-09T10:00:00Z"))
    assert journal.kits() == (seen,)
    assert (seen.written, seen.last_seen) == (KIT.written, "2026-11-09T10:00:00Z")


def test_the_kits_of_those_who_are_gone_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    for record in (KIT, replace(KIT, epoch=2), replace(KIT, steward="bob")):
        journal.record_kit(record)
    assert journal.forget_kits(["bob", "carol"]) == ("alice",)
    assert [record.steward for record in journal.kits()] == ["bob"]
    assert journal.forget_kits(["bob"]) == ()


def test_a_journal_of_the_first_version_is_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = Journal(path, NOW)
    run = first.add(("home", "pull", "source"), "manual", "2026-11-23T12:00:00Z")
    first.close()
    with sqlite3.connect(path) as database:  # as the version before kits left it
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if table not in ("runs", "latest", "holds", "approvals", "facts") and not table.startswith("sqlite_"):
                database.execute(f"DROP TABLE {table}")
        database.execute("PRAGMA user_version = 1")
    database.close()
    journal = Journal(path, NOW)
    assert journal.record_kit(KIT) == KIT
    assert [found.number for found in journal.get([run.number])] == [run.number]
    assert not journal.damaged()


def test_a_journal_of_a_later_version_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path, NOW).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {journal_tables.VERSION + 1}")
    database.close()
    journal = Journal(path, NOW)
    assert journal.damaged()
    assert journal.kits() == ()
