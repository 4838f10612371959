"""The maximum disaster: five stewards get their sticks, the machine is destroyed with its disk, three sticks give everything back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration import sshd
from tests.kits.stranger import new_stranger
from tests.system import usb_sticks
from tests.system.guest import Guest
from tests.system.guest_image import Image
from tests.system.house import NAMES, House, written

HOST = "10.0.2.2"
"""The friend's server, as the guests see it: the loopback of the machine that runs the tests."""

HOLDERS = ("erin", "alice", "carol")
"""Three of the five stewards, who come with their sticks."""

WITHOUT_TABLE = ("bob", "dave")
"""Whose sticks have no partitions."""

NEW_PASSPHRASE = "a quite different new passphrase"


@dataclass(frozen=True)
class Destroyed:
    """What is left of a house, and what was known of it: by steward their sticks (images) and what status said of each kit.

    `config` was in force when the kits were written, `newer` at the end; `sums` are those of the data, `left` the traces of the kits.
    """

    sticks: Mapping[str, Path]
    known: Mapping[str, dict[str, Any]]
    config: dict[str, Any]
    newer: dict[str, Any]
    sums: str
    log: str
    left: tuple[str, str]


@pytest.fixture(scope="module")
def destroyed(image: Image, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Destroyed]:
    """Config and data are in the house and at a friend's, whose server runs on."""
    folder = tmp_path_factory.mktemp("disaster")
    for name in ("sshd", "friend"):
        (folder / name).mkdir()
    with sshd.running(folder / "sshd") as friend:
        with Guest.thaw(image, installed, folder / "first") as guest:
            home = House(guest)
            home.setup(answers(home, friend, folder / "friend"))
            home.owner("unlock")
            before = home.traces()
            sticks, known = write_kits(home, folder)
            left = before, home.traces()
            config, log = home.config(), guest.run("journalctl -o cat").out
            home.edit(inventory=[{"name": "after the kits were written"}])
            home.ctl("publish")
            home.wait_for(
                lambda: home.ctl("backup", "home", check=False).code == 0, "the data to be at the friend's as well"
            )
            home.wait_until_idle()
            newer = home.config()
            sums = guest.run("cd /srv/source && sha256sum * | sort").out
        (folder / "first/disk.qcow2").unlink()
        yield Destroyed(sticks, known, config, newer, sums, log, left)


def answers(home: House, friend: sshd.Server, folder: Path) -> dict[str, object]:
    """The config and the data are kept in the house and at a friend's."""
    (dataset,) = home.answers()["datasets"]
    login = {"private_key": friend.private_key}
    away = {"protocol": "sftp", "credentials": login, "fate": ["place:friend"]}
    config = {"id": "friend", **away, "url": address(friend, "sftp", folder / "config")}
    data = {"id": "friend", **away, "url": address(friend, "rsync+ssh", folder / "data"), "protocol": "rsync"}
    dataset["destinations"].append({**data, "every": "1d", "keep": {"last": 5}})
    stashes = [*home.answers()["metadata_stashes"], config]
    return home.answers(datasets=[dataset], metadata_stashes=stashes)


def address(friend: sshd.Server, scheme: str, path: Path) -> str:
    return friend.url(scheme, path).replace("127.0.0.1", HOST)


def write_kits(home: House, folder: Path) -> tuple[dict[str, Path], dict[str, dict[str, Any]]]:
    """Everybody's kit on a stick, plugged in one after another; the sticks, and what is known of each kit then."""
    sticks, known = {}, {}
    home.open("create-steward-device", "--all", "--no-wait")
    for name in NAMES:
        sticks[name] = usb_sticks.blank(folder / f"{name}.img", table=name not in WITHOUT_TABLE, label=name.upper())
        home.guest.plug(sticks[name], f"STICK-{name}")
        home.wait_for_log(written(name))
        home.guest.unplug(f"STICK-{name}")
        known[name] = home.steward(name)
    return sticks, known


def test_five_sticks_one_after_the_other_become_kits(destroyed: Destroyed) -> None:
    for name, known in destroyed.known.items():
        assert (known["device_serial"], known["current"], known["void"]) == (f"STICK-{name}", True, False)
    assert destroyed.left[0] == destroyed.left[1]
    shares = destroyed.config["managed"]["shares"]["words"]
    assert not any(words in destroyed.log for words in shares), "no share is in any log"


def test_any_three_give_the_config_to_somebody_with_a_bare_computer(destroyed: Destroyed, tmp_path: Path) -> None:
    folders = {
        name: usb_sticks.copy_out(stick, tmp_path / name, table=name not in WITHOUT_TABLE)
        for name, stick in destroyed.sticks.items()
    }
    stranger = new_stranger(tmp_path)
    for three in (("alice", "bob", "carol"), ("carol", "dave", "erin")):
        program = folders[three[0]] / "PARADUX/recover.py"
        done = stranger.recover(program, *(folders[name] for name in three))
        assert done.returncode == 0, done.stderr
        found = json.loads((stranger.desk / "config.json").read_text())["config"]
        (stranger.desk / "config.json").unlink()
        assert (found["owner"], found["datasets"]) == (destroyed.config["owner"], destroyed.config["datasets"])


def test_three_sticks_and_a_friend_give_everything_back_on_a_blank_machine(
    destroyed: Destroyed, image: Image, installed: Path, tmp_path: Path
) -> None:
    config = destroyed.newer
    with Guest.thaw(image, installed, tmp_path / "second") as guest:
        home = House(guest)
        guest.put("/root/passphrase", f"{NEW_PASSPHRASE}\n".encode(), 0o600)
        options = []
        for number, name in enumerate(HOLDERS):
            guest.plug(destroyed.sticks[name], f"STICK-{name}")
            node = f"/dev/sd{'abc'[number]}1"
            guest.wait_for(f"test -b {node} && udevadm settle", "the stick")
            options += ["--kit", node]
        report = json.loads(home.owner("--json", "recover", *options).out)
        assert report["candidates"][0]["serial"] == config["serial"], "the friend's copy is newer than the kits"
        recovered = home.config()
        assert recovered["inventory"] == config["inventory"]
        assert recovered["datasets"] == config["datasets"]
        assert recovered["managed"]["generation"] == config["managed"].get("generation", 1) + 1
        home.owner("restore", "--all", "--to", "/root/back")
        assert guest.run("cd /root/back/home && sha256sum * | sort").out == destroyed.sums
        assert guest.run("cat /proc/mounts | grep /dev/sd", check=False).out == ""
