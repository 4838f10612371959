"""A destination that is a USB disk in a drawer: known by its UUID, written when it comes, safe to remove."""

from __future__ import annotations

from pathlib import Path

from tests.system import usb_sticks
from tests.system.house import House


def test_a_disk_from_the_drawer_is_written_unmounted_and_safe_to_remove(home: House, tmp_path: Path) -> None:
    disk = usb_sticks.blank(tmp_path / "disk.img", 128, label="BANK")
    uuid = usb_sticks.uuid(disk)
    (dataset,) = home.config()["datasets"]
    bank = {"id": "bank", "protocol": "removable", "uuid": uuid, "every": "90d", "fate": ["place:bank"]}
    dataset["destinations"].append({**bank, "encryption": "gpg"})
    home.edit(datasets=[dataset])
    home.ctl("backup", "home", "--destination", "mirror")
    before = home.traces()
    home.guest.plug(usb_sticks.blank(tmp_path / "other.img"), "OTHER")
    home.guest.plug(disk, "BANK")
    home.wait_for_log(f"The disk {uuid} is unmounted: it is safe to remove")
    assert home.traces() == before
    home.guest.unplug("BANK")
    assert usb_sticks.is_sound(disk)
    assert any(name.startswith("PARADUX") or "home" in name for name in usb_sticks.names(disk))
    assert usb_sticks.names(tmp_path / "other.img") == [], "another disk is not touched"

    (destination,) = [each for each in home.status()["datasets"][0]["destinations"] if each["id"] == "bank"]
    assert (destination["versions"], destination["error"], destination["disk"]) == (1, None, uuid)
    home.guest.plug(disk, "BANK")
    home.owner("restore", "home", "--to", "/root/back", "--from", "bank")
    home.guest.run("diff -r /srv/source /root/back")
    home.guest.unplug("BANK")
    assert home.traces() == before
