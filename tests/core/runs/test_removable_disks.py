"""Which disk is meant, and that no two transfers use one at a time."""

from __future__ import annotations

import pytest

from paraduxd.core.devices.stick_rules import Stick
from paraduxd.core.plan.model import DatasetPlan, DestinationPlan, Limits, Plan, SourcePlan
from paraduxd.core.primitives import disks
from paraduxd.core.runs import removable_disks
from paraduxd.core.runs.queue import Request, startable

PLACE = disks.place_of("1234-ABCD")


def plan(*places: str) -> Plan:
    each = tuple(DestinationPlan(f"d{number}", "removable", place, "t") for number, place in enumerate(places))
    dataset = DatasetPlan("home", "", SourcePlan("disk", "local", "t"), "/s", destinations=each)
    return Plan(1, "", 1, "", "", 2, datasets=(dataset,))


@pytest.mark.parametrize("uuid", ["1234-ABCD", "0b1c8f9a-6f2e-4c9e-9a53-0e6d2c9c1a11"])
def test_a_uuid_is_taken_and_comes_back_out_of_the_plan(uuid: str) -> None:
    assert disks.uuid_of(disks.place_of(disks.checked_uuid(uuid))) == uuid


@pytest.mark.parametrize("odd", ["", "..", "../../etc", "a/b", "-f", "12 34", "x" * 65, "1234-ABCD\n", "$(id)", "ab"])
def test_what_is_no_uuid_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match="UUID of a file system"):
        disks.checked_uuid(odd)


def test_only_the_disk_that_is_named_is_meant() -> None:
    chosen = plan(PLACE, disks.place_of("ffff-0000"), PLACE)
    assert removable_disks.meant(chosen, Stick("/dev/sdb", uuid="1234-ABCD")) == (
        ("home", "push", "d0"),
        ("home", "push", "d2"),
    )
    assert removable_disks.meant(chosen, Stick(directory="/port/1234-ABCD")) == (
        ("home", "push", "d0"),
        ("home", "push", "d2"),
    )
    for other in (Stick("/dev/sdb"), Stick("/dev/sdb", uuid="", serial="1234-ABCD"), Stick(directory="/port/kit")):
        assert removable_disks.meant(chosen, other) == ()
    assert removable_disks.meant(plan("local"), Stick("/dev/sdb", uuid="local")) == ()


@pytest.mark.parametrize("step", ["push", "restore", "versions", "verify"])
def test_one_disk_is_used_by_one_run_at_a_time(step: str) -> None:
    one, two = Request(1, "home", "push", "bank", PLACE), Request(2, "photos", step, "bank", PLACE)
    assert startable([one, two], [], Limits(8, 8)) == (one,)
    assert startable([two], [one], Limits(8, 8)) == ()
    assert startable([two], [], Limits(8, 8)) == (two,)
