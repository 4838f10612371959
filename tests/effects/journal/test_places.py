"""What the journal knows goes by what a place is: a new place begins at never, a renamed one keeps its history."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraduxd.api.replies.results import Published, Pulled, Pushed
from paraduxd.core.primitives.place_identity import legacy_uid
from paraduxd.core.runs.facts import Latest
from paraduxd.core.runs.guard.holds import Approval, Hold
from paraduxd.effects.journal import schema
from paraduxd.effects.journal.journal import Ending, Journal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PULL, PUSH, PUBLISH = ("home", "pull", "source"), ("home", "push", "disk"), ("", "publish", "friend")
PLACES = {("home", ""): "d1", ("home", "source"): "s1", ("home", "disk"): "p1", ("", "friend"): "m1"}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal.sqlite", NOW)
    journal.use_places(PLACES)
    return journal


def ran(journal: Journal, key: tuple[str, str, str], minute: int, state: str = "done") -> int:
    at = f"2026-11-23T12:{minute:02}:00Z"
    run = journal.add(key, "schedule", at)
    journal.start(run.number, at)
    journal.finish(run.number, Ending(state, at, result={"files": minute, "serial": minute}))
    return run.number


def _number(latest: Latest) -> int:
    return latest.told(Published).serial or latest.told(Pulled).files or latest.told(Pushed).files or 0


def minutes(journal: Journal) -> dict[tuple[str, str, str], int]:
    return {key: _number(latest) for key, latest in journal.latest_by_target().items()}


def test_a_place_with_a_new_address_begins_at_never(journal: Journal) -> None:
    for minute, key in enumerate((PULL, PUSH, PUBLISH)):
        ran(journal, key, minute)
    assert minutes(journal) == {PULL: 0, PUSH: 1, PUBLISH: 2}
    journal.use_places({**PLACES, ("home", "disk"): "p2", ("", "friend"): "m2"})
    assert journal.latest(PUSH) == Latest() and journal.latest(PUBLISH) == Latest()
    assert journal.last(PUSH, ["done"]) is None
    assert minutes(journal) == {PULL: 0}
    ran(journal, PUSH, 9)
    assert minutes(journal) == {PULL: 0, PUSH: 9}
    journal.use_places(PLACES)
    assert minutes(journal)[PUSH] == 1, "the old place is known again when it comes back"


def test_a_renamed_place_keeps_everything(journal: Journal) -> None:
    number = ran(journal, PUSH, 1)
    journal.set_hold("home", Hold("many-changed"))
    journal.set_approval("home", 1, 2)
    journal.set_fact(journal.named("changes", "home"), "then")
    renamed = {
        ("house", ""): "d1",
        ("house", "source"): "s1",
        ("house", "stick"): "p1",
        ("home", ""): "d2",
        ("home", "disk"): "p2",
    }
    journal.use_places(renamed)
    assert minutes(journal) == {("house", "push", "stick"): 1}
    last = journal.last(("house", "push", "stick"), ["done"])
    assert last is not None and last.number == number
    assert last.key == PUSH, "history tells the names of then"
    assert journal.holds() == {"house": Hold("many-changed")}
    assert (journal.approval("house"), journal.approval("home")) == (Approval(1, 2), None)
    assert journal.fact(journal.named("changes", "house")) == "then"
    assert journal.latest(PUSH) == Latest()
    assert [run.number for run in journal.history("house")] == [number]
    journal.clear_hold("home")
    assert journal.holds(), "the new one of the old name is another dataset"
    journal.clear_hold("house")
    assert journal.holds() == {}


def test_a_run_that_ends_under_another_name_counts_for_its_place(journal: Journal) -> None:
    run = journal.add(PUSH, "manual", "2026-11-23T12:00:00Z")
    journal.use_places({("house", "stick"): "p1", ("home", "disk"): "p2"})
    journal.finish(run.number, Ending("done", "2026-11-23T12:01:00Z", result={"files": 1}))
    assert minutes(journal) == {("house", "push", "stick"): 1}


def test_a_plan_without_uids_means_names(journal: Journal) -> None:
    journal.use_places(dict.fromkeys(PLACES, ""))
    ran(journal, PUSH, 1)
    ran(journal, PULL, 2)
    assert minutes(journal) == {PULL: 2, PUSH: 1}
    journal.use_places({("home", "disk"): legacy_uid("home", "disk")})
    assert minutes(journal)[PUSH] == 1


def removals(journal: Journal) -> list[tuple[str, ...]]:
    """Newest first, under the names of then."""
    found = journal._database.execute("SELECT dataset, version, reason FROM removals ORDER BY number DESC")
    return list(found)


def test_removals_are_kept_with_their_reasons(journal: Journal) -> None:
    journal.record_removals("home", "disk", [("v1", "not kept"), ("v2", "not kept")], "2026-11-23T12:00:00Z")
    journal.record_removals("photos", "cloud", [("v9", "prune")], "2026-11-23T12:01:00Z")
    assert removals(journal) == [
        ("photos", "v9", "prune"),
        ("home", "v2", "not kept"),
        ("home", "v1", "not kept"),
    ]
    journal.prune(NOW + timedelta(days=3000))
    assert removals(journal) == []


def test_a_journal_of_0_1_0_is_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    database = sqlite3.connect(path)
    for script in schema._SCRIPTS[:2]:
        database.executescript(script)
    row = ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z", 0, None, '{"files": 1}', "done")
    for key in (PULL, PUSH, PUBLISH):
        database.execute("INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*key, *row))
    runs = "INSERT INTO runs (dataset, step, location, trigger, state, requested) VALUES (?, ?, ?, 'manual', ?, '2026-11-23T12:00:00Z')"
    database.execute(runs, (*PUSH, "done"))
    database.execute(runs, (*PULL, "running"))
    database.execute("INSERT INTO holds VALUES ('home', ?)", ('{"reason": "many-changed"}',))
    database.execute("INSERT INTO approvals VALUES ('home', 7, 1)")
    facts = [("changes/home", "1"), ("maintenance/home/push/disk", "2"), ("drill/last", "3"), ("maintenance/odd", "4")]
    database.executemany("INSERT INTO facts VALUES (?, ?)", facts)
    database.execute("PRAGMA user_version = 2")
    database.commit()
    database.close()

    journal = Journal(path, NOW, expected=True)
    assert (journal.lost(), journal.set_aside) == (None, ())
    for places in ({}, {("home", where): legacy_uid("home", where) for where in ("", "source", "disk")}):
        journal.use_places(places)
        assert set(journal.latest_by_target()) == {PULL, PUSH, PUBLISH}
        assert journal.holds() == {"home": Hold("many-changed")}
        assert journal.approval("home") == Approval(7, 1)
        assert journal.fact(journal.named("changes", "home")) == 1
        assert journal.fact(journal.named("maintenance", "home", "disk")) == 2
        assert (journal.fact("drill/last"), journal.fact("maintenance/odd")) == (3, 4)
        last = journal.last(PUSH, ["done"])
        assert last is not None and last.number == 1
    assert [run.key for run in journal.mark_interrupted("2026-11-23T12:05:00Z")] == [PULL]
    journal.close()
    assert Journal(path, NOW).latest(PUSH).last_success == "2026-11-23T12:00:00Z"


def test_a_migration_that_is_cut_off_leaves_the_old_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    database = sqlite3.connect(path)
    for script in schema._SCRIPTS[:2]:
        database.executescript(script)
    database.execute("INSERT INTO holds VALUES ('home', '{}')")
    database.execute("PRAGMA user_version = 2")
    database.commit()
    database.close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_SCRIPTS", (*schema._SCRIPTS, "CREATE TABLE runs (x);"))
        with pytest.raises(sqlite3.OperationalError):
            schema.open_database(path)
    assert Journal(path, NOW).holds() == {"home": Hold()}
