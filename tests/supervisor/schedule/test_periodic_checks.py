"""Disks that are plugged in: pushed to when they come, and when they stay until a push is due; each time once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.primitives.disks import place_of
from paraduxd.supervisor.schedule.periodic_checks import STAYS, PeriodicChecks
from tests.supervisor.runs.running import DAILY, Rig, dataset, destination, plan

UUID = "1234-ABCD"
PUSH = "push home/bank"


class Desk:
    """Rounds, and the folders that stand for disks."""

    def __init__(self, rig: Rig, folders: Path) -> None:
        self.rig, self.folders = rig, folders
        self.seen = len(rig.workers.history())
        self.rounds = PeriodicChecks(
            rig.dispatcher, rig.journal, lambda: pytest.fail("nobody is told"), rig.clock, str(folders)
        )

    def comes(self) -> Stick:
        disk = self.folders / UUID
        disk.mkdir()
        return Stick(directory=str(disk), serial=UUID, uuid=UUID)

    def go(self, rounds: int) -> list[str]:
        """What was started since the last time, after so many rounds more; all of it ends well at once."""
        for _ in range(rounds):
            self.rounds.push_what_is_due()
            self.rig.workers.all_done(files=10)
        before, self.seen = self.seen, len(self.rig.workers.history())
        return self.rig.workers.history()[before:]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    rig = Rig(tmp_path)
    rig.run_by(plan(dataset("home", [destination("bank", DAILY, protocol="shelf", place=place_of(UUID))])))
    rig.pulled("home", transferred_files=5)
    folders = tmp_path / "disks"
    folders.mkdir()
    return Desk(rig, folders)


@pytest.mark.parametrize("rounds_before_it_is_told", range(STAYS))
def test_a_disk_that_comes_is_pushed_to_once(desk: Desk, rounds_before_it_is_told: int) -> None:
    stick = desk.comes()
    assert desk.go(rounds_before_it_is_told) == [], "whoever watches for disks has not told of it yet"
    assert desk.rounds.take(stick)
    assert desk.go(3 * STAYS) == [PUSH]


def test_a_disk_of_which_nobody_told_is_pushed_to_when_it_stays(desk: Desk) -> None:
    desk.comes()
    assert desk.go(STAYS - 1) == []
    assert desk.go(2 * STAYS) == [PUSH]


def test_a_disk_that_stays_is_pushed_to_when_the_next_push_is_due(desk: Desk) -> None:
    desk.rounds.take(desk.comes())
    assert desk.go(2 * STAYS) == [PUSH]
    desk.rig.clock.advance(hours=25)
    assert desk.go(2 * STAYS) == [PUSH]


def test_a_disk_that_went_and_came_again_has_not_stayed(desk: Desk) -> None:
    for _ in range(3):
        desk.comes()
        assert desk.go(STAYS - 1) == []
        (desk.folders / UUID).rmdir()
        assert desk.go(1) == []


def test_what_goes_wrong_in_every_round_is_told_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for what in ("the disk is full", "the disk is full", "it is something else"):
        desk.rounds._complain(what)
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "the disk is full",
        "it is something else",
    ]


def test_a_disk_that_comes_is_checked_when_that_is_due(desk: Desk) -> None:
    desk.rig.run_by(replace(desk.rig.dispatcher.plan, verify_every=30 * 86_400))
    stick = desk.comes()
    desk.rounds.take(stick)
    assert desk.go(1) == [PUSH], "what was just written was just read"
    desk.rig.clock.advance(days=31)
    desk.rounds.take(stick)
    assert desk.go(1) == [PUSH, "verify home/bank"]
    desk.rig.clock.advance(days=1)
    desk.rounds.take(stick)
    assert desk.go(1) == [PUSH]
