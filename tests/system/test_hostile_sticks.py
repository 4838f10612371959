"""Sticks that must not be written to: they stay as they are, harm nobody, and the next good one is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system import usb_sticks
from tests.system.house import House
from tests.system.test_usb_sticks import written


@pytest.mark.parametrize(
    "kind", ["data", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("ext4", "broken", "read-only"))]
)
def test_a_stick_that_must_not_be_written_harms_nobody(home: House, tmp_path: Path, kind: str) -> None:
    stick = tmp_path / "hostile.img"
    if kind == "ext4":
        usb_sticks.ext4(stick)
    elif kind == "broken":
        usb_sticks.broken(stick)
    else:
        usb_sticks.blank(stick)
    if kind == "data":
        usb_sticks.put(stick, "thesis.txt", b"years of work")
    content, before = stick.read_bytes(), home.traces()
    home.owner("create-steward-device", "--no-wait", "alice")
    home.guest.plug(stick, "HOSTILE", read_only=kind == "read-only")
    home.wait_for_log("Still waiting for Alice's stick")
    home.guest.unplug("HOSTILE")
    assert stick.read_bytes() == content, "nothing was written to it"
    assert home.traces() == before
    good = usb_sticks.blank(tmp_path / "good.img")
    home.guest.plug(good, "GOOD")
    home.wait_for_log(written("alice"))
    assert home.steward("alice")["device_serial"] == "GOOD"
