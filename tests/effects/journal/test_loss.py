"""A journal that is lost, or is a newer program's: no hold is lost with it, and nothing is touched that somebody else can still read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.api.paths import StatePlaces
from paraduxd.core.installation.health import Health
from paraduxd.core.runs.facts import Facts
from paraduxd.effects.installation import probes
from paraduxd.effects.journal import schema
from paraduxd.effects.journal.journal import Journal
from paraduxd.supervisor.main import main
from paraduxd.supervisor.runs import alarms
from paraduxd.supervisor.runs.dispatcher import Dispatcher
from paraduxd.supervisor.runs.engine import Engine
from tests import status_json as status
from tests.fakes import Clock, Workers
from tests.supervisor.runs.running import dataset, destination, plan

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLAN = plan(dataset("home"), dataset("photos", [destination("cloud")]))


def _delete(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def _without_rows(path: Path) -> None:
    _delete(path)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE emptied (x)")
        database.execute("DROP TABLE emptied")
    database.close()


LOSSES: dict[str, Callable[[Path], object]] = {
    "deleted": _delete,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "garbage": lambda path: path.write_bytes(b"no database at all" * 100),
    "without tables": _without_rows,
}


class Machine:
    """A supervisor's journal and dispatcher on a state directory; `begin` is a new start."""

    def __init__(self, root: Path) -> None:
        self.state = StatePlaces(root)
        self.state.plan.write_text("{}")
        self.clock = Clock()
        Journal(self.state.journal, NOW).close()
        self.begin()

    def begin(self) -> None:
        self.workers = Workers()
        self.journal = Journal(self.state.journal, self.clock(), expected=probes.was_set_up(self.state))
        self.dispatcher = Dispatcher(
            Engine(self.journal, self.workers, self.clock, self.state), self.journal, self.clock, self.state
        )
        self.dispatcher.engine.apply_plan(PLAN)
        self.dispatcher.engine.set_ready(True)

    def pull(self, name: str) -> None:
        self.dispatcher.backup([name], pull_only=True)
        self.workers.done(name, "pull", files=10)

    def may_push(self) -> dict[str, bool]:
        return {each.id: self.dispatcher.engine.refusal(each.id) is None for each in PLAN.datasets}


@pytest.mark.parametrize("loss", LOSSES)
def test_no_hold_is_lost_with_the_journal(tmp_path: Path, loss: str) -> None:
    machine = Machine(tmp_path)
    machine.pull("photos")
    machine.pull("home")
    machine.dispatcher.backup(["home"], pull_only=True)
    machine.workers.hold("home", "many-changed", changed=9, files=10)
    assert machine.may_push() == {"home": False, "photos": True}
    machine.journal.close()
    LOSSES[loss](machine.state.journal)

    machine.begin()
    for name in ("home", "photos"):
        machine.pull(name)  # the encrypted files look harmless by now
    assert machine.may_push() == {"home": False, "photos": False}
    machine.journal.close()
    machine.begin()
    assert machine.may_push() == {"home": False, "photos": False}, "another start changes nothing"

    until = alarms.protected_until(machine.journal, PLAN, NOW)
    assert until == "2026-12-23T12:00:00Z", "an alarm may have been lost as well, so nothing is removed"
    machine.dispatcher.approve("photos")
    assert machine.may_push() == {"home": False, "photos": True}
    machine.journal.close()
    machine.begin()
    machine.pull("photos")
    assert machine.may_push() == {"home": False, "photos": True}, "the owner is asked once"


def test_a_hold_after_a_loss_becomes_one_that_only_the_owner_ends(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.journal.close()
    _delete(machine.state.journal)
    machine.begin()
    machine.dispatcher.backup(["home"], pull_only=True)
    machine.workers.hold("home", "removed", removed=9, files=10)
    assert machine.journal.holds()["home"].reason == "journal-lost", "a good pull would end the other one"
    machine.dispatcher.backup(["home"], pull_only=True)
    machine.workers.hold("home", "many-changed", changed=9, files=10)
    assert machine.journal.holds()["home"].changed == 9


@pytest.mark.parametrize("loss", LOSSES)
def test_status_says_it_until_the_owner_has_looked(tmp_path: Path, loss: str) -> None:
    machine = Machine(tmp_path)
    machine.journal.close()
    LOSSES[loss](machine.state.journal)
    machine.begin()
    document = _status(machine)
    (lost,) = [problem for problem in document["problems"] if problem["code"] == "journal-lost"]
    assert (document["level"], lost["level"]) == ("critical", "critical")
    assert "home, photos are held" in lost["text"] and lost["hint"].endswith("paraductl approve home")
    assert "setup" not in lost["text"] + lost["hint"]
    aside = machine.journal.set_aside
    assert len(aside) == (0 if loss == "deleted" else 1)
    assert all(name in lost["text"] for name in aside)
    for name in ("home", "photos"):
        machine.dispatcher.approve(name)
    assert "journal-lost" not in {problem["code"] for problem in _status(machine)["problems"]}


def _status(machine: Machine) -> dict[str, Any]:
    found = Health(machine.journal.lost(), machine.journal.set_aside)
    return status.build(PLAN, Facts(holds=machine.journal.holds(), health=found), NOW)


def test_what_is_set_aside_is_kept_whole_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for number in range(3):
        path.write_bytes(b"rubbish %d" % number)
        Journal(path, NOW).close()
    journal = Journal(path, NOW)
    assert sorted((tmp_path / name).read_bytes() for name in journal.set_aside) == [b"rubbish %d" % n for n in range(3)]


def test_where_nothing_was_a_new_journal_holds_nothing(tmp_path: Path) -> None:
    state = StatePlaces(tmp_path)
    journal = Journal(state.journal, NOW, expected=probes.was_set_up(state))
    journal.hold_if_lost(["home"])
    assert journal.lost() is None and journal.holds() == {}


@pytest.mark.parametrize("trace", ["plan.json", "vault.luks", "vault.luks.previous", "outbox/x", "transport/x"])
def test_any_trace_of_a_life_before_makes_a_missing_journal_a_lost_one(tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).parent.mkdir(exist_ok=True)
    (tmp_path / trace).touch()
    state = StatePlaces(tmp_path)
    loss = Journal(state.journal, NOW, expected=probes.was_set_up(state)).lost()
    assert loss is not None and loss.why == "missing"


def _newer(path: Path) -> None:
    Journal(path, NOW).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        database.execute("INSERT INTO holds VALUES ('x', 'home', '{}')")
    database.close()


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_newer_journal_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    _newer(path)
    before = _contents(tmp_path)
    with pytest.raises(ParaduxError) as refused:
        Journal(path, NOW, expected=True)
    assert refused.value.code == "journal-newer" and "newer" in refused.value.message
    assert _contents(tmp_path) == before


def test_a_newer_journal_whose_version_is_in_the_log_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path, NOW).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    database.commit()
    copy = tmp_path / "copy"
    copy.mkdir()
    for each in (path, path.with_name(path.name + "-wal")):  # as after SIGKILL
        (copy / each.name).write_bytes(each.read_bytes())
    database.close()
    before = {name: found[0] for name, found in _contents(copy).items()}
    with pytest.raises(ParaduxError, match="newer"):
        Journal(copy / path.name, NOW)
    assert {name: (copy / name).read_bytes() for name in before} == before


def test_the_daemon_does_not_start_on_a_newer_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    state.mkdir()
    _newer(state / "journal.sqlite")
    before = (state / "journal.sqlite").read_bytes()
    assert main(["--state", str(state), "--run", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert "newer Paradux" in said and "nothing was touched" in said and "Traceback" not in said
    assert (state / "journal.sqlite").read_bytes() == before
    assert {path.name for path in state.iterdir()} <= {"journal.sqlite", "paraduxd.lock"}


def test_a_loss_that_cannot_be_recorded_holds_all_the_same(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.journal.close()
    _delete(machine.state.journal)
    machine.journal = Journal(machine.state.journal, NOW, expected=True)
    machine.journal._database.execute("PRAGMA query_only = 1")
    machine.journal.hold_if_lost(["home"])
    assert machine.journal.holds()["home"].reason == "journal-lost"
    machine.journal._database.execute("PRAGMA query_only = 0")
    machine.journal.set_fact("x", 1)
    machine.journal.close()
    again = Journal(machine.state.journal, NOW, expected=True)
    loss = again.lost()
    assert again.holds()["home"].reason == "journal-lost"
    assert loss is not None and loss == replace(loss, held=True)
