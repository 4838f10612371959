"""Kits on real USB sticks: plugged into a machine, written, pulled out, read back on another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kits.stranger import new_stranger
from tests.system import usb_sticks
from tests.system.house import NAMES, House


def written(name: str) -> str:
    """What the daemon says of a kit that counts."""
    return f"{name.title()}'s kit is written and read back; its stick can be pulled out."


def test_five_sticks_one_after_the_other_give_the_config_back_on_another_machine(home: House, tmp_path: Path) -> None:
    before = home.traces()
    home.owner("create-steward-device", "--all", "--no-wait")
    folders = {}
    for name in NAMES:
        stick = usb_sticks.blank(tmp_path / f"{name}.img", table=name not in ("bob", "dave"), label=name.upper())
        home.guest.plug(stick, f"STICK-{name}")
        home.wait_for_log(written(name))
        home.guest.unplug(f"STICK-{name}")
        known = home.steward(name)
        assert (known["device_serial"], known["current"], known["void"]) == (f"STICK-{name}", True, False)
        folders[name] = usb_sticks.copy_out(stick, tmp_path / name, table=name not in ("bob", "dave"))
    assert home.traces() == before
    config = home.config()
    log = home.guest.run("journalctl -o cat").out
    assert not any(words in log for words in config["managed"]["shares"]["words"]), "no share is in any log"

    stranger = new_stranger(tmp_path)
    for three in (("alice", "bob", "carol"), ("carol", "dave", "erin")):
        program = folders[three[0]] / "PARADUX/recover.py"
        done = stranger.recover(program, *(folders[name] for name in three))
        assert done.returncode == 0, done.stderr
        found = json.loads((stranger.desk / "config.json").read_text())["config"]
        (stranger.desk / "config.json").unlink()
        assert (found["owner"], found["datasets"]) == (config["owner"], config["datasets"])


@pytest.mark.slow
def test_a_kit_on_exfat_is_as_good(home: House, tmp_path: Path) -> None:
    stick = usb_sticks.blank(tmp_path / "stick.img", kind="exfat")
    home.owner("create-steward-device", "--no-wait", "alice")
    home.guest.plug(stick, "EXFAT")
    home.wait_for_log(written("alice"))
    assert home.steward("alice")["current"]
    home.guest.unplug("EXFAT")
    home.guest.plug(stick, "EXFAT")
    home.guest.wait_for("mount -t exfat -o ro /dev/sd?1 /mnt", "the stick")
    assert json.loads(home.guest.get("/mnt/PARADUX/kit.json"))["steward"]["id"] == "alice"
