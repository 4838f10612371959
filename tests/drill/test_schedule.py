"""What is rehearsed by the schedule while the vault is locked, and what the journal keeps of drills."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.api.replies.drills import Opening, Rehearsed, Restored
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.plan.model import Plan, from_json, to_json
from paraduxd.core.recovery.drill_judgement import Drill
from paraduxd.core.runs.facts import SeenCopy, SeenStash
from paraduxd.effects.files import scratch
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.drill_records import DrillRecords, facts
from tests.fakes import Clock
from tests.supervisor.runs.running import Rig, dataset, destination, plan

DAY = 86_400


def drilled(every: int | None = 30 * DAY) -> Plan:
    return replace(plan(dataset("home", [destination("disk")]), stashes=["nas"]), drill_every=every)


def placed() -> Plan:
    """The same with a uid for every place."""
    return from_json(to_json(drilled()))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.run_by(drilled())
    return rig


def next_rehearsal(rig: Rig, name: str = "home", location: str = "disk") -> float | None:
    """Days from now."""
    date = rig.next_for(name, "rehearse", location)
    return None if date is None else (date - rig.clock()) / timedelta(days=1)


def push(rig: Rig) -> None:
    rig.dispatcher.backup(["home"])
    rig.workers.all_done(files=3, versions=[{"id": "a", "time": "2026-11-23T12:00:00Z", "files": 3, "bytes": 9}])


def a_day_later(rig: Rig) -> None:
    """Pull and push are done again, the rehearsals run."""
    rig.clock.advance(days=1, minutes=1)
    rig.scheduler.tick()
    rig.workers.done("", "publish", serial=1, epoch=1)
    rig.workers.done("home", "pull", files=3)
    rig.workers.done(
        "home", "push", files=3, versions=[{"id": "a", "time": "2026-11-24T12:01:00Z", "files": 3, "bytes": 9}]
    )
    rig.scheduler.tick()


def test_nothing_is_rehearsed_before_there_is_something(rig: Rig) -> None:
    assert next_rehearsal(rig) is None
    push(rig)
    assert next_rehearsal(rig) == 1


def test_without_drill_every_nothing_is_rehearsed_by_itself(rig: Rig) -> None:
    rig.run_by(drilled(every=None))
    push(rig)
    assert next_rehearsal(rig) is None


def test_a_rehearsal_gets_what_it_needs_and_no_cache_of_production(rig: Rig) -> None:
    push(rig)
    a_day_later(rig)
    order = rig.workers.find("home", "rehearse")
    assert (order.location, order.staging, Path(order.transport).name) == ("disk", "/srv/home", "dest-disk")
    assert order.arguments["scratch"] == "/var/tmp"
    assert order.arguments["known_versions"][0]["id"] == "a"
    asked = {name: value for name, value in order.arguments.items() if name != "identity"}
    assert str(rig.root) not in str(asked), "of the state directory only what tells which machine this is"
    stash = rig.workers.find("", "rehearse")
    assert (stash.arguments["outbox"], stash.arguments["serial"]) == (str(rig.root / "outbox"), 1)


def test_after_a_rehearsal_the_next_is_a_period_later(rig: Rig) -> None:
    push(rig)
    a_day_later(rig)
    rig.workers.done("home", "rehearse", "disk", files=3, bytes=9)
    assert next_rehearsal(rig) == 30
    restored = facts(rig.journal, rig.journal.latest_by_target()).restored
    assert restored == {("home", "disk"): "2026-11-24T12:01:00Z"}


@pytest.mark.parametrize(
    ("found", "again"),
    [
        ({"serial": 1}, False),
        ({"serial": 0}, True),
        ("not-published", True),
        ("not-mounted", False),
        ("timeout", False),
    ],
)
def test_a_stash_that_does_not_hold_the_present_config_gets_it_again(rig: Rig, found: Any, again: bool) -> None:
    """A disk that was not mounted while the config was sent came back with the old one, and status called it current."""
    push(rig)
    a_day_later(rig)
    rig.workers.done("", "rehearse", "nas", epoch=1, serial=1)
    assert rig.next_for("", "publish", "nas") is None
    rig.clock.advance(days=31)
    rig.scheduler.tick()
    if isinstance(found, str):
        rig.workers.fail("", "rehearse", "nas", code=found)
    else:
        rig.workers.done("", "rehearse", "nas", epoch=1, **found)
    assert (rig.next_for("", "publish", "nas") is not None) is again


# What the journal keeps

DONE = Drill(
    "shares",
    "2026-11-23T12:00:00Z",
    "2026-11-23T12:01:00Z",
    1,
    1,
    (Opening("nas", True, "opened", present=True), Opening("Alice's stick", True, "opened", kit=True)),
    (Restored("home", "disk", True, "restored", Rehearsed("v1", "2026-11-23T11:00:00Z", 2, 20)),),
    ("home",),
)


def drills(rig: Rig) -> DrillRecords:
    return DrillRecords(rig.journal, StatePlaces(rig.root), rig.clock)


def test_a_drill_is_kept_with_every_place(rig: Rig) -> None:
    assert drills(rig).ended(placed(), DONE) == {"", "home"}
    runs = {run.location: (run.trigger, run.state) for run in rig.dispatcher.history()}
    assert runs == {"disk": ("drill", "done"), "nas": ("drill", "done")}
    found = facts(rig.journal, rig.journal.latest_by_target())
    assert (found.ended, found.epoch, found.serial, found.lacking) == ("2026-11-23T12:00:00Z", 1, 1, "")
    uids = placed().uids
    assert found.proven == (SeenCopy("home", "disk", uids["home", "disk"], "v1", "2026-11-23T11:00:00Z"),)
    assert found.opened == (SeenStash("nas", uids["", "nas"], 1, "2026-11-23T12:00:00Z"),)
    assert not found.kit_opened, "the config on the kit was not the present one"
    assert found.restored == {("home", "disk"): "2026-11-23T12:00:00Z"}


def test_a_failed_drill_ends_the_proof_of_an_earlier_one(rig: Rig) -> None:
    drills(rig).ended(placed(), DONE)
    rig.clock.advance(days=2)
    error = RunError("damaged", "one byte")
    bad = replace(DONE, restored=(Restored("home", "disk", False, "one byte", None, error),))
    drills(rig).ended(placed(), bad)
    found = facts(rig.journal, rig.journal.latest_by_target())
    assert (found.ended, found.proven) == ("2026-11-25T12:00:00Z", ())
    assert found.lacking == "nothing of home was restored and compared: one byte"
    assert found.restored == {("home", "disk"): "2026-11-23T12:00:00Z"}


def test_what_is_no_longer_in_the_plan_is_not_kept(rig: Rig) -> None:
    drills(rig).ended(plan(dataset("other")), DONE)
    assert rig.dispatcher.history() == []


def test_a_journal_without_drills_or_with_nonsense(rig: Rig) -> None:
    assert facts(rig.journal, {}).ended is None
    for name in ("drill/seen", "drill/last", "drill/proven"):
        rig.journal.set_fact(name, ["nonsense"])
    assert facts(rig.journal, {}).ended is None
    with pytest.raises(ValueError, match="Drill"):
        from_json_value(Drill, {"source": 1})


def test_a_damaged_journal_begins_anew_without_proof(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "journal.sqlite"
    journal = Journal(path, clock())
    DrillRecords(journal, StatePlaces(tmp_path), clock).ended(drilled(), DONE)
    journal.close()
    path.write_bytes(b"\0" * 8192)
    journal = Journal(path, clock())
    assert facts(journal, journal.latest_by_target()).ended is None
    assert journal.damaged()


def test_the_database_itself_holds_the_outcome(rig: Rig) -> None:
    drills(rig).ended(drilled(), DONE)
    rig.journal.close()
    with sqlite3.connect(rig.root / "journal.sqlite") as database:
        names = {name for (name,) in database.execute("SELECT name FROM facts")}
    assert "drill/seen" in names


def test_a_journal_of_the_first_version_knows_of_a_drill_but_not_what_it_saw(rig: Rig) -> None:
    rig.journal.set_fact("drill/last", {"ended": "2026-11-20T12:00:00Z", "epoch": 1, "source": "shares", "lacking": []})
    rig.journal.set_fact("drill/proven", {"ended": "2026-11-20T12:00:00Z", "epoch": 1})
    found = facts(rig.journal, {})
    assert (found.ended, found.epoch, found.proven, found.opened) == ("2026-11-20T12:00:00Z", 1, (), ())
    assert "an earlier version" in found.lacking
    drills(rig).ended(drilled(), DONE)
    assert facts(rig.journal, {}).lacking == ""


# Scratch directories of killed drills


def made_by(base: Path, state: Path, pid: int) -> Path:
    folder = base / f"paradux-drill-{os.geteuid()}-{scratch.mark_of(state)}-{pid}-xyz"
    (folder / "locked").mkdir(parents=True)
    (folder / "locked" / "file").touch()
    (folder / "outside").symlink_to(base)
    (folder / "locked").chmod(0o500)
    return folder


DEAD = 2**22 + 1
"""More than any process number (proc(5): pid_max)."""


def test_what_a_killed_drill_left_is_swept_by_the_next_one(rig: Rig, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "precious").touch()
    assert drills(rig).begins(str(base)).scratch == str(base)
    dead, living = made_by(base, rig.root, DEAD), made_by(base, rig.root, os.getpid())
    other = made_by(base, tmp_path / "another-installation", DEAD)
    drills(rig).sweep()
    assert (dead.exists(), living.exists(), other.exists()) == (False, True, True)
    drills(rig).sweep(at_start=True)
    assert (living.exists(), other.exists(), (base / "precious").exists()) == (False, True, True)


def test_a_scratch_place_must_be_there(rig: Rig, tmp_path: Path) -> None:
    for bad in (str(tmp_path / "missing"), "relative"):
        with pytest.raises(ParaduxError) as failed:
            drills(rig).begins(bad)
        assert failed.value.code == "bad-scratch"


def test_scratch_goes_whatever_was_restored_into_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    with pytest.raises(RuntimeError), scratch.directory(tmp_path, "test") as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "link").symlink_to(outside)
        (folder / "a" / "b").chmod(0)
        (folder / "a").chmod(0o500)
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").exists()


def test_what_another_works_in_is_not_swept_although_its_process_cannot_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Confined workers see no other process: of two rehearsals at once, one removed what the other was restoring."""
    monkeypatch.setattr(scratch, "_maker_lives", lambda *_: False)
    with scratch.directory(tmp_path, "test") as folder:
        (folder / "restored").touch()
        scratch.sweep(tmp_path, "test")
        assert (folder / "restored").exists()
        left = tmp_path / f"{folder.name[:-2]}xx"
        left.mkdir(mode=0o700)
        scratch.sweep(tmp_path, "test")
        assert not left.exists() and folder.exists()


def test_what_is_being_made_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two rehearsals that begin at once, one swept the directory of the other before it was claimed."""
    monkeypatch.setattr(scratch, "_maker_lives", lambda *_: False)
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            scratch.sweep(tmp_path, "test")

    with ThreadPoolExecutor() as pool:
        sweeping = [pool.submit(sweep) for _ in range(2)]
        try:
            for _ in range(300):
                with scratch.directory(tmp_path, "test") as folder:
                    (folder / "restored").touch()
                    assert (folder / "restored").exists()
        finally:
            over.set()
        for each in sweeping:
            each.result()


def test_room_is_asked_for_before(tmp_path: Path) -> None:
    scratch.need_room(tmp_path, 1)
    with pytest.raises(ParaduxError) as failed:
        scratch.need_room(tmp_path, 1 << 60)
    assert failed.value.code == "no-room"
