"""A disk that is plugged in now and then, with a whole Paradux; a folder that appears stands for it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, fill, minimal_answers

pytestmark = pytest.mark.slow

UUID = "1234-ABCD"


class Home:
    """A Paradux with one dataset, kept at a folder and on a disk that is in the drawer."""

    def __init__(self, root: Path, encryption: str) -> None:
        self.paradux = Installation(root)
        self.port, self.drawer, self.source = root / "port", root / "drawer", root / "source"
        for folder in (self.port, self.drawer / UUID):
            folder.mkdir(parents=True)
        fill(self.source)
        self.answers = minimal_answers(root)
        bank = {"id": "bank", "protocol": "removable", "uuid": UUID, "every": "90d", "fate": ["place:bank"]}
        self.answers["datasets"][0]["destinations"].append({**bank, "encryption": encryption})

    def start(self) -> None:
        self.paradux.start("--stick-folders", str(self.port))

    def plug_in(self, name: str = UUID) -> Path:
        return (self.drawer / name).rename(self.port / name)

    def pull_out(self, name: str = UUID) -> Path:
        return (self.port / name).rename(self.drawer / name)

    def bank(self) -> dict[str, Any]:
        destinations = self.paradux.status()["datasets"][0]["destinations"]
        found: dict[str, Any] = next(each for each in destinations if each["id"] == "bank")
        return found

    def page(self) -> str:
        return self.paradux.ctl("status", check=False).stdout

    def wait_for_version(self, count: int) -> None:
        self.paradux.wait_for(lambda: self.bank()["versions"] == count, f"version {count} on the disk", 60)

    def restored(self, to: Path) -> dict[str, bytes]:
        to.mkdir()
        self.paradux.owner("restore", "home", "--to", str(to), "--from", "bank")
        return contents(to)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    home = Home(tmp_path, getattr(request, "param", "gpg"))
    try:
        home.start()
        home.paradux.setup(home.answers)
        home.paradux.ctl("backup", "home", "--destination", "mirror")
        yield home
    finally:
        if home.paradux.daemon is not None:
            home.paradux.daemon.kill()
            home.paradux.daemon.wait()


def age(home: Home, days: int) -> None:
    """Let the last push to the disk lie so many days back."""
    home.paradux.stop()
    with sqlite3.connect(home.paradux.state / "journal.sqlite") as journal:
        journal.execute(
            "UPDATE latest SET last_success = strftime('%Y-%m-%dT%H:%M:%SZ', last_success, ?),"
            " last_attempt = strftime('%Y-%m-%dT%H:%M:%SZ', last_attempt, ?) WHERE location = 'bank' AND step = 'push'",
            (f"-{days} days",) * 2,
        )
    home.start()


@pytest.mark.parametrize("home", ["gpg", "none"], indirect=True)
def test_a_disk_is_written_when_it_comes_and_restored_from_while_it_is_there(home: Home, tmp_path: Path) -> None:
    assert (home.bank()["state"], home.bank()["error"], home.bank()["disk"]) == ("never", None, UUID)
    home.plug_in()
    home.wait_for_version(1)
    log = f"The disk {UUID} is unmounted: it is safe to remove"
    home.paradux.wait_for(lambda: log in home.paradux.log.read_text(), log)
    assert home.bank()["plugged_in"] is True
    assert "its disk is plugged in, unmounted, and safe to remove" in home.page()
    assert home.restored(tmp_path / "first") == contents(home.source)
    assert home.bank()["due"] and not home.bank()["overdue_since"]

    home.pull_out()
    assert home.bank()["plugged_in"] is False and "safe to remove" not in home.page()
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = home.paradux.owner("restore", "home", "--to", str(empty), "--from", "bank", check=False)
    assert refused.returncode == 1
    assert "is not plugged in" in refused.stderr and UUID in refused.stderr
    assert home.bank()["error"] is None, "its absence is no failure"


def test_a_disk_that_comes_after_a_hundred_and_forty_days_is_overdue_and_then_written(home: Home) -> None:
    home.plug_in()
    home.wait_for_version(1)
    home.pull_out()
    age(home, 140)
    assert home.bank()["state"] == "overdue"
    assert home.bank()["overdue_since"] == home.bank()["due"]
    (problem,) = [each for each in home.paradux.status()["problems"] if each["subject"] == "home/bank"]
    assert problem["code"] == "destination-overdue" and UUID in problem["hint"]
    home.plug_in()
    home.wait_for_version(2)
    assert home.bank()["overdue_since"] is None


def test_a_disk_that_was_there_before_the_daemon_is_written_when_it_is_due(home: Home) -> None:
    home.plug_in()
    home.wait_for_version(1)
    age(home, 100)
    home.wait_for_version(2)


def test_other_disks_are_not_touched(home: Home) -> None:
    for name in ("holiday", "FFFF-0000"):
        (home.drawer / name / "PARADUX").mkdir(parents=True)
        (home.drawer / name / "PARADUX/kit.json").write_text("{}")
        home.plug_in(name)
    home.plug_in()
    home.wait_for_version(1)
    for name in ("holiday", "FFFF-0000"):
        assert contents(home.port / name) == {"PARADUX/kit.json": b"{}"}


def test_a_disk_that_is_pulled_out_while_it_is_written_keeps_its_version_and_heals(home: Home, tmp_path: Path) -> None:
    home.plug_in()
    home.wait_for_version(1)
    before = contents(home.source)
    home.pull_out()
    (home.source / "big").write_bytes(random.randbytes(60_000_000))
    home.paradux.ctl("backup", "home", "--destination", "mirror")

    held = len(list((home.drawer / UUID).rglob("*")))
    disk = home.plug_in()
    home.paradux.wait_for(lambda: len(list(disk.rglob("*"))) > held, "the push to begin")
    home.pull_out()
    home.paradux.wait_for(lambda: home.bank()["error"] is not None, "the push to fail", 60)
    assert home.bank()["error"]["code"] == "not-inserted"
    assert "pulled out" in home.bank()["error"]["message"]
    assert home.bank()["versions"] == 1
    assert not list(home.port.iterdir()), "nothing is written where the disk was"

    home.plug_in()
    home.paradux.wait_for(lambda: home.bank()["error"] is None, "the next push", 90)
    assert home.restored(tmp_path / "now") == contents(home.source) != before
