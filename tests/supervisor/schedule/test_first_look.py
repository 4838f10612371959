"""A machine that was recovered asks every destination once what it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from paraduxd.core.plan.model import Plan
from tests.supervisor.runs.running import Rig, dataset, destination, plan


def recovered() -> Plan:
    disk = destination("bank", protocol="shelf", place="removable:1234-ABCD")
    home = dataset("home", [destination("cloud", window="03:00-04:00"), destination("friend"), disk])
    return replace(plan(home), generation=2)


def looks(rig: Rig) -> set[str]:
    return {order.location for order, _ in rig.workers.living.values() if order.step == "versions"}


def test_every_destination_is_asked_once_at_any_hour(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.run_by(recovered())
    rig.scheduler.tick()
    assert looks(rig) == {"cloud", "friend"}, "the disk is in its drawer"
    rig.workers.done("home", "versions", "cloud", versions=[])
    rig.workers.fail("home", "versions", "friend", code="unreachable")
    rig.pass_time(3600)
    assert looks(rig) == {"friend"}, "who did not answer is asked again"
    rig.workers.done("home", "versions", "friend", versions=[])
    rig.pass_time(3600)
    assert looks(rig) == set()
    rig.restart(recovered())
    rig.scheduler.tick()
    assert looks(rig) == set()


def test_the_first_machine_knows_that_nothing_is_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.run_by(replace(recovered(), generation=1))
    rig.scheduler.tick()
    assert looks(rig) == set()
