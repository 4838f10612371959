"""The watcher with real udev messages from a machine of umockdev's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from paraduxd.supervisor.devices.usb_watcher import Watcher


def told(scene: str) -> list[dict[str, Any]]:
    command = ["umockdev-wrapper", sys.executable, "-m", "tests.sticks.watched", scene]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert reply["watching"] is False, "the thread has ended"
    found: list[dict[str, Any]] = reply["told"]
    return found


def brief(scene: str) -> list[tuple[str, list[str]]]:
    """The serial number of each stick that was told, and those of the sticks beside it."""
    return [(stick["serial"], stick["beside"]) for stick in told(scene)]


def test_a_stick_is_told_with_all_that_is_known_of_it() -> None:
    assert told("one") == [
        {
            "device": "/dev/sdb",
            "serial": "S1",
            "volume": "/dev/sdb",
            "fs": "vfat",
            "uuid": "AAAA-0001",
            "usb": True,
            "removable": True,
            "name": "the stick SanDisk Cruzer Blade (serial number S1, /dev/sdb)",
            "beside": ["THERE"],
        }
    ]


def test_a_partition_is_no_second_stick() -> None:
    (stick,) = told("partitioned")
    assert (stick["device"], stick["volume"], stick["fs"]) == ("/dev/sdb", "/dev/sdb1", "exfat")


def test_writing_to_a_stick_is_no_arrival() -> None:
    assert brief("written") == [("S1", ["THERE"])]


def test_another_stick_in_the_same_port_is_told_as_another() -> None:
    assert brief("again") == [("S1", ["THERE"]), ("S2", ["THERE"])]


def test_of_two_sticks_each_is_told_with_the_other_beside_it() -> None:
    assert brief("two") == [("S1", ["THERE", "S2"]), ("S2", ["THERE", "S1"])]


def test_a_card_reader_is_told_when_there_is_a_card_in_it() -> None:
    assert [serial for serial, _ in brief("card")] == ["READER", "READER"]


def test_a_storm_of_events_is_one_arrival() -> None:
    assert brief("storm") == [("S1", ["THERE"])]


def test_watching_goes_on_when_whoever_is_told_fails() -> None:
    assert [serial for serial, _ in brief("stubborn")] == ["S2"]


@pytest.mark.parametrize("privileged", [True, False])
def test_where_nothing_can_be_watched_starting_and_ending_are_no_errors(
    privileged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyudev", None)
    watcher = Watcher(lambda *_: None)
    assert watcher.unwatched == ""
    watcher.start(privileged=privileged)
    assert ("udev cannot be reached" if privileged else "root") in watcher.unwatched
    watcher.stop()
