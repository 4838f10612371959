"""Kits onto sticks and back again, with a whole Paradux: plugged in, written, locked, checked up, refreshed.

A stick is a folder here that appears where the daemon looks for such; from there on everything is as with a real one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, clean_environment, fill

pytestmark = pytest.mark.slow

NAMES = ("alice", "bob", "carol")
EVERY_LINE = "{name}'s kit is written and read back; its stick can be pulled out."


@dataclass
class Port:
    """Where sticks are plugged in; `drawer` is where they are otherwise."""

    path: Path
    drawer: Path
    paradux: Installation

    def new(self, name: str) -> Path:
        """A new, empty stick in the drawer."""
        (self.drawer / name).mkdir()
        return self.drawer / name

    def plug_in(self, name: str) -> Path:
        (self.drawer / name).rename(self.path / name)
        return self.path / name

    def pull_out(self, name: str) -> Path:
        before = self._times_pulled_out(name)
        (self.path / name).rename(self.drawer / name)
        self.paradux.wait_for(lambda: self._times_pulled_out(name) > before, "the daemon to see that it is gone")
        return self.drawer / name

    def _times_pulled_out(self, name: str) -> int:
        return self.paradux.log.read_text(errors="replace").count(f"{self.path / name} was pulled out")


@dataclass
class Home:
    """A Paradux that is set up, and its port."""

    paradux: Installation
    port: Port

    def steward(self, name: str) -> dict[str, Any]:
        table = json.loads(self.paradux.ctl("--json", "stewards").stdout)
        found: dict[str, Any] = next(steward for steward in table["stewards"] if steward["id"] == name)
        return found

    def arm(self, *arguments: str) -> None:
        self.paradux.owner("create-steward-device", "--no-wait", *arguments)

    def wait_for_log(self, text: str) -> None:
        self.paradux.wait_for(lambda: text in self.paradux.log.read_text(errors="replace"), text)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Set up; nobody has a kit."""
    installation = Installation(tmp_path)
    port = Port(tmp_path / "port", tmp_path / "drawer", installation)
    port.path.mkdir()
    port.drawer.mkdir()
    fill(tmp_path / "source")
    try:
        installation.start("--stick-folders", str(port.path))
        installation.setup()
        yield Home(installation, port)
    finally:
        if installation.daemon is not None:
            installation.daemon.kill()
            installation.daemon.wait()


def serial_on(stick: Path) -> int:
    return int(json.loads((stick / "PARADUX/kit.json").read_text())["serial"])


def contents(stick: Path) -> dict[str, bytes]:
    return {str(path.relative_to(stick)): path.read_bytes() for path in stick.rglob("*") if path.is_file()}


def words(stick: Path) -> str:
    """The share, in one line."""
    lines = (stick / "PARADUX/share.txt").read_text().splitlines()
    return " ".join(line for line in lines if not line.startswith("#"))


def test_blank_sticks_one_after_the_other_become_the_kits_of_everybody(home: Home) -> None:
    command = [sys.executable, "-m", "paraductl.main", "--run", str(home.paradux.run)]
    command += ["--passphrase-file", str(home.paradux.passphrase_file), "create-steward-device", "--all"]
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment()
    )
    try:
        for name in NAMES:
            home.wait_for_log(
                f"Insert {name.title()}'s stick." if name == "alice" else f"insert {name.title()}'s stick"
            )
            home.port.new(f"SERIAL-{name}")
            home.port.plug_in(f"SERIAL-{name}")
            home.wait_for_log(EVERY_LINE.format(name=name.title()))
        said, _ = client.communicate(timeout=60)
    finally:
        client.kill()
    assert client.returncode == 0, said
    assert "3 kits written and read back." in said
    shares = set()
    for name in NAMES:
        stick = home.port.path / f"SERIAL-{name}"
        assert json.loads((stick / "PARADUX/kit.json").read_text())["steward"]["id"] == name
        known = home.steward(name)
        assert (known["device_serial"], known["current"], known["void"]) == (f"SERIAL-{name}", True, False)
        shares.add(words(stick))
    assert len(shares) == len(NAMES)
    log = home.paradux.log.read_text(errors="replace") + said
    assert not any(" ".join(share.split()[:4]) in log for share in shares), "no share is told to anybody"
    assert "glyph" not in log.lower(), "nor which letters it has"


def test_what_is_not_meant_is_refused_by_name_and_is_the_same_afterwards(home: Home) -> None:
    home.arm("bob")
    with_data = home.port.new("DATA")
    (with_data / "thesis.txt").write_text("years of work")
    home.port.plug_in("DATA")
    home.wait_for_log("DATA is not written to: it holds other data (thesis.txt). Still waiting for Bob's stick.")
    home.port.new("BLANK")
    home.port.plug_in("BLANK")
    home.wait_for_log("DATA is plugged in as well; leave only the one that is meant")
    assert contents(home.port.path / "BLANK") == {}
    assert contents(home.port.pull_out("DATA")) == {"thesis.txt": b"years of work"}
    home.port.pull_out("BLANK")
    home.port.plug_in("BLANK")
    home.wait_for_log(EVERY_LINE.format(name="Bob"))
    assert home.steward("bob")["device_serial"] == "BLANK"


def test_a_known_kit_is_checked_while_locked_and_refreshed_while_unlocked(home: Home) -> None:
    home.arm("bob")
    home.port.new("S1")
    home.port.plug_in("S1")
    home.paradux.wait_for(lambda: home.steward("bob")["current"], "the kit")
    stick = home.port.pull_out("S1")
    before, share = contents(stick), words(stick)

    home.paradux.ctl("lock")
    seen = home.steward("bob")["last_seen"]
    home.port.plug_in("S1")
    home.paradux.wait_for(lambda: home.steward("bob")["last_seen"] > seen, "the check-up")
    assert home.steward("bob")["problems"] == []
    assert contents(home.port.pull_out("S1")) == before, "checking changes nothing"

    config = home.paradux.config()
    home.paradux.edit({**config, "inventory": [{"name": "a new account"}]})
    home.paradux.owner("unlock")
    home.port.plug_in("S1")
    refreshed = home.port.path / "S1"
    home.paradux.wait_for(lambda: (home.steward("bob")["serial"] or 0) > config["serial"], "the refreshed kit")
    assert home.steward("bob")["current"]
    assert serial_on(refreshed) == home.steward("bob")["serial"]
    assert words(refreshed) == share

    home.paradux.ctl("lock")
    kit = home.port.pull_out("S1") / "PARADUX"
    (kit / "copies/share-2.txt").write_bytes(b"\0" * 300)
    (kit / "config.gpg").unlink()
    home.port.plug_in("S1")
    home.paradux.wait_for(lambda: home.steward("bob")["problems"], "the check-up that finds rot")
    assert home.steward("bob")["problems"] == [
        "config.gpg is missing",
        "copies/share-2.txt is damaged",
        "2 of 3 copies of the share are good",
    ]
    assert not home.steward("bob")["current"]
    assert "kit-damaged" in home.paradux.problem_codes()


def test_while_locked_nobody_writes_and_strangers_are_left_alone(home: Home) -> None:
    home.paradux.ctl("lock")
    stranger = home.port.new("STRANGER")
    shutil.copytree(home.paradux.root / "source", stranger / "source")
    before = contents(stranger)
    home.port.plug_in("STRANGER")
    home.port.new("S1")
    home.port.plug_in("S1")
    home.arm("bob")
    home.port.pull_out("S1")
    home.port.new("S2")
    home.port.plug_in("S2")
    home.wait_for_log("STRANGER is plugged in as well")
    assert contents(home.port.path / "STRANGER") == before
    assert contents(home.port.path / "S2") == {}
