"""Damage stands until a look that goes as deep finds the place whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paraduxd.api.replies.drills import Restored
from paraduxd.api.replies.results import Verified, read_as
from paraduxd.api.replies.transfer_runs import RunError
from paraduxd.core.plan.model import Plan, from_json, to_json
from paraduxd.core.recovery.drill_judgement import SHARES, Drill
from paraduxd.core.runs.damage import Damage, is_disproved
from paraduxd.supervisor.drill_records import DrillRecords
from paraduxd.supervisor.runs import damage_records
from tests.supervisor.runs.running import Rig, StatePlaces, dataset, destination, plan

DISK = ("home", "disk")


def placed() -> Plan:
    made = plan(dataset("home", [destination("disk")]))
    return from_json(to_json(replace(made, verify_every=30 * 86_400)))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.run_by(placed())
    return rig


def verify(rig: Rig, *, deep: bool, damaged: bool) -> bool:
    """Whether the destination is known to be damaged after a check."""
    rig.dispatcher.verify("home", deep=deep)
    if damaged:
        rig.workers.fail("home", "verify", "disk", code="damaged", message="one byte")
    else:
        rig.workers.done("home", "verify", "disk", checked=9, bytes=9, deep=deep, part=0, parts=0)
    return DISK in damage_records.of_plan(rig.journal, placed())


def test_what_a_deep_check_found_is_not_disproved_by_a_quick_one(rig: Rig) -> None:
    assert verify(rig, deep=True, damaged=True)
    assert verify(rig, deep=False, damaged=False), "sizes are right all the same"
    assert verify(rig, deep=False, damaged=True)
    assert verify(rig, deep=False, damaged=False), "nor forgotten for what a quick one found besides"
    rig.restart(placed())
    assert verify(rig, deep=False, damaged=False)
    assert not verify(rig, deep=True, damaged=False)


def test_what_a_quick_check_found_is_disproved_by_a_quick_one(rig: Rig) -> None:
    assert verify(rig, deep=False, damaged=True)
    assert not verify(rig, deep=False, damaged=False)


def test_what_a_drill_found_takes_a_deep_check(rig: Rig) -> None:
    error = RunError("damaged", "it is not what was pushed")
    bad = Restored("home", "disk", False, "it is not what was pushed", None, error)
    drill = Drill(SHARES, "2026-11-23T11:00:00Z", "2026-11-23T11:01:00Z", 1, 1, (), (bad,), ("home",))
    DrillRecords(rig.journal, StatePlaces(rig.root), rig.clock).ended(placed(), drill)
    assert damage_records.of_plan(rig.journal, placed())[DISK].message == "it is not what was pushed"
    assert verify(rig, deep=False, damaged=False)
    assert not verify(rig, deep=True, damaged=False)


def test_a_new_place_under_an_old_name_is_not_damaged(rig: Rig) -> None:
    assert verify(rig, deep=True, damaged=True)
    (home,) = placed().datasets
    moved = replace(home, destinations=(replace(home.destinations[0], uid="f" * 32),))
    assert damage_records.of_plan(rig.journal, replace(placed(), datasets=(moved,))) == {}


@pytest.mark.parametrize(
    ("damage", "result", "gone"),
    [
        (Damage("", "", part=3, parts=12), {"deep": False, "part": 3, "parts": 12}, True),
        (Damage("", "", part=3, parts=12), {"deep": False, "part": 4, "parts": 12}, False),
        (Damage("", "", part=3, parts=12), {"deep": False, "part": 3, "parts": 6}, False),
        (Damage("", "", part=3, parts=12), {"deep": True}, True),
        (Damage("", "", deep=True), {"deep": False, "part": 3, "parts": 12}, False),
        (Damage("", ""), {"deep": False, "part": 3, "parts": 12}, True),
    ],
)
def test_a_part_disproves_what_was_found_in_it(damage: Damage, result: dict[str, object], gone: bool) -> None:
    assert is_disproved(damage, read_as(Verified, result)) is gone
