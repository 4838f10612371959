"""A disk that carries a metadata stash and encrypted archives is away, or another one is mounted in its place: a whole Paradux."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from paraduxd.protocols.marking.place_marker import NAME
from tests.rig import Installation, fill, minimal_answers, running

pytestmark = pytest.mark.slow


class Home:
    """The stash "office" and the destination "vault" lie on a disk below `mount`."""

    def __init__(self, paradux: Installation) -> None:
        self.paradux, self.root = paradux, paradux.root
        self.mount, self.drawer = self.root / "mnt", self.root / "drawer"

    def unmount(self) -> None:
        self.mount.rename(self.drawer)
        self.mount.mkdir()

    def mount_again(self) -> None:
        shutil.rmtree(self.mount)
        self.drawer.rename(self.mount)

    def save(self, phone: str) -> bool:
        """A new serial; gives whether every stash took it."""
        config = self.paradux.config()
        config["owner"]["phone"] = phone
        return self.paradux.edit(config, check=False).returncode == 0

    def stash(self) -> dict[str, Any]:
        found: dict[str, Any] = next(s for s in self.paradux.status()["metadata_stashes"] if s["id"] == "office")
        return found

    def vault(self) -> dict[str, Any]:
        found: dict[str, Any] = self.paradux.status()["datasets"][0]["destinations"][0]
        return found

    def published(self) -> list[str]:
        return sorted(path.name for path in (self.mount / "stash").glob("config-*"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with running(tmp_path_factory.mktemp("away") / "paradux") as paradux:
        made = Home(paradux)
        made.mount.mkdir()
        answers = minimal_answers(paradux.root)
        answers["metadata_stashes"][1]["url"] = f"file://{made.mount}/stash"
        mirror = answers["datasets"][0]["destinations"][0]
        vault = {**mirror, "id": "vault", "url": f"file://{made.mount}/vault", "encryption": "gpg"}
        answers["datasets"][0]["destinations"] = [vault]
        fill(paradux.root / "source")
        (made.mount / "stash").mkdir()
        (made.mount / "stash" / "README.txt").write_text("mine")
        paradux.setup(answers)
        paradux.ctl("backup")
        yield made


def test_what_is_not_mounted_gets_nothing_and_is_called_nothing(home: Home) -> None:
    """It was written below the mount point and "read back and compared"; with the disk back, status did not notice the old serial."""
    home.unmount()
    assert not home.save("+1 555 0001"), "one stash of two did not take it"
    assert home.paradux.ctl("backup", check=False).returncode != 0
    assert list(home.mount.iterdir()) == []
    assert (home.stash()["serial"], home.stash()["current"]) == (1, False)
    assert "not mounted" in home.stash()["error"]["message"]
    assert "not mounted" in home.vault()["error"]["message"]
    home.mount_again()
    home.paradux.ctl("publish")
    home.paradux.ctl("backup")
    assert (home.stash()["serial"], home.stash()["current"]) == (2, True)
    assert home.published() == ["config-1-1.gpg", "config-1-2.gpg"]
    assert home.vault()["versions"] == 2
    assert (home.mount / "stash" / "README.txt").read_text() == "mine"


def test_another_disk_in_its_place_stays_as_it_is(home: Home) -> None:
    home.unmount()
    for name in ("stash", "vault"):
        (home.mount / name).mkdir()
        marker = json.loads((home.drawer / name / NAME).read_bytes())
        (home.mount / name / NAME).write_text(json.dumps({**marker, "place": "f" * 32}))
        (home.mount / name / "config-1-1.gpg").write_bytes(b"another one's")
    before = {path: path.read_bytes() for path in home.mount.rglob("*") if path.is_file()}
    assert home.paradux.ctl("publish", check=False).returncode != 0
    assert home.paradux.ctl("backup", check=False).returncode != 0
    assert {path: path.read_bytes() for path in home.mount.rglob("*") if path.is_file()} == before
    for error in (home.stash()["error"], home.vault()["error"]):
        assert error["code"] == "other-place"
    home.mount_again()
    home.paradux.ctl("publish")
    home.paradux.ctl("backup")


@pytest.mark.long
def test_a_stash_that_holds_an_older_config_is_noticed_and_gets_the_present_one(home: Home) -> None:
    """A disk image that was put back, or what version 0.1.0 has published below the mount point."""
    (older := home.root / "older").mkdir()
    shutil.copytree(home.mount / "stash", older / "stash")
    assert home.save("+1 555 0002")
    serial = home.stash()["serial"]
    shutil.rmtree(home.mount / "stash")
    (older / "stash").rename(home.mount / "stash")
    assert home.stash()["current"], "nobody has looked yet"
    home.paradux.owner("drill", check=False)
    home.paradux.wait_for(lambda: f"config-1-{serial}.gpg" in home.published(), "the stash to be sent the config", 90)
    home.paradux.wait_for(lambda: home.stash()["current"], "status to know it")


def test_an_emptied_stash_ends_what_was_proven(home: Home) -> None:
    assert home.paradux.owner("drill", check=False).returncode == 0
    for stash in (home.mount / "stash", home.root / "nas"):
        for path in stash.glob("*.gpg"):
            path.unlink()
    assert home.paradux.owner("drill", check=False).returncode != 0
    assert not home.paradux.status()["recoverable"]["proven"]
