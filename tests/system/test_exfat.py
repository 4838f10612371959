"""A kit on a stick as it is sold today, with exFAT."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.system import usb_sticks
from tests.system.house import House, written


@pytest.mark.slow
def test_a_kit_on_exfat_is_as_good(home: House, tmp_path: Path) -> None:
    stick = usb_sticks.blank(tmp_path / "stick.img", kind="exfat")
    home.open("create-steward-device", "--no-wait", "alice")
    home.guest.plug(stick, "EXFAT")
    home.wait_for_log(written("alice"))
    assert home.steward("alice")["current"]
    home.guest.unplug("EXFAT")
    home.guest.plug(stick, "EXFAT")
    home.guest.wait_for("mount -t exfat -o ro /dev/sd?1 /mnt", "the stick")
    assert json.loads(home.guest.get("/mnt/PARADUX/kit.json"))["steward"]["id"] == "alice"
