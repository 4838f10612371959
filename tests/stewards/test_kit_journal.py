"""The memory of kits in the journal and in the vault, and that a journal of the first version gets it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from paraduxd.core.recovery import kits_written
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.journal import schema
from paraduxd.effects.journal.journal import Journal
from tests.rig import fill, running

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KIT = KitRecord("alice", 1, 7, "2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z", "S1", "AB-CD", "aa" * 32)


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
    with sqlite3.connect(path) as database:  # as the version before kits made it
        database.executescript(schema._SCRIPTS[0])
        database.execute(
            "INSERT INTO runs (dataset, step, location, trigger, state, requested)"
            " VALUES ('home', 'pull', 'source', 'manual', 'queued', '2026-11-23T12:00:00Z')"
        )
        database.execute("PRAGMA user_version = 1")
    database.close()
    journal = Journal(path, NOW)
    assert journal.record_kit(KIT) == KIT
    assert [found.number for found in journal.get([1])] == [1]
    assert not journal.damaged()


def test_the_config_remembers_kits_that_count_and_forgets_others() -> None:
    kits = kits_written.remembered([], [KIT, replace(KIT, epoch=2, void=True), replace(KIT, steward="gone")], ["alice"])
    assert [(kit.steward, kit.epoch, kit.serial, kit.device_serial) for kit in kits] == [("alice", 1, 7, "S1")]
    newer = replace(KIT, serial=9, written="2026-11-05T10:00:00Z", device_serial="a\nb")
    assert [(kit.serial, kit.device_serial) for kit in kits_written.remembered(kits, [newer], ["alice"])] == [(9, None)]
    assert kits_written.remembered(kits, [], ["alice"]) == kits
    assert kits_written.remembered(kits, [replace(KIT, problems=("torn",))], ["alice"]) == ()
    assert kits_written.remembered(kits, [], ["bob"]) == ()


def test_a_lost_journal_gets_back_what_the_config_remembers(tmp_path: Path) -> None:
    (kit,) = kits_written.remembered([], [KIT], ["alice"])
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    for record in kits_written.lacking([kit], journal.kits()):
        journal.record_kit(record)
    assert journal.kits() == (KIT,)
    assert kits_written.lacking([kit], journal.kits()) == []
    journal.record_kit(replace(KIT, void=True))
    assert kits_written.lacking([kit], journal.kits()) == [], "that writing was cut off is news"


def test_kits_come_back_with_the_next_unlock(tmp_path: Path) -> None:
    with running(tmp_path / "one") as paradux:
        fill(paradux.root / "source")
        paradux.setup()
        serial = paradux.status()["config"]["serial"]
        for name in ("alice", "bob"):
            paradux.owner("create-steward-device", name, "--directory", str(tmp_path / name))
        held = paradux.status()["stewards"]
        assert [one["current"] for one in held] == [True, True, False]
        assert paradux.status()["config"]["serial"] == serial + 1, "only the first kit is news for the stashes"
        published = paradux.config()["managed"]["kits"]
        assert [kit["steward"] for kit in published] == ["alice", "bob"]
        paradux.stop()
        for path in paradux.state.glob("journal.sqlite*"):
            path.unlink()
        paradux.start()
        assert [one["current"] for one in paradux.status()["stewards"]] == [False, False, False]
        assert "journal-lost" in paradux.problem_codes()
        paradux.owner("unlock")
        assert [one["current"] for one in paradux.status()["stewards"]] == [True, True, False]
        paradux.ctl("lock")


def test_what_tools_can_read_is_kept_by_the_kit_they_are_on(tmp_path: Path) -> None:
    """A check-up of a kit that an earlier version had written makes it known; a look that reads no tools does not make it unknown."""
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    journal.record_kit(KIT)
    assert journal.kits()[0].reads is None
    journal.record_kit(replace(KIT, last_seen="2026-11-09T10:00:00Z", reads=("paradux-archive/2",)))
    assert journal.kits()[0].reads == ("paradux-archive/2",)
    journal.record_kit(replace(KIT, last_seen="2026-11-10T10:00:00Z"))
    assert journal.kits()[0].reads == ("paradux-archive/2",)
    later = replace(
        KIT, written="2027-01-01T10:00:00Z", last_seen="2027-01-01T10:00:00Z", kit_sha256="b" * 64, reads=()
    )
    journal.record_kit(later)
    assert journal.kits() == (later,)
    assert list(journal.facts("kit-reads/")) == ["b" * 64], "nothing is kept of a kit that is gone"
