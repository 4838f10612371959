"""The maximum disaster across two machines: the first is destroyed with its disk; the second is blank and gets three of five sticks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration import sshd
from tests.system import usb_sticks
from tests.system.guest import Guest
from tests.system.guest_image import Image
from tests.system.house import House

HOST = "10.0.2.2"
"""The friend's server, as the guests see it: the loopback of the machine that runs the tests."""

HOLDERS = ("erin", "alice", "carol")
"""Three of the five stewards, who come with their sticks."""

NEW_PASSPHRASE = "a quite different new passphrase"


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


@pytest.fixture
def friend_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "friend"
    folder.mkdir()
    return folder


def test_three_sticks_and_a_friend_give_everything_back(
    image: Image, installed: Path, tmp_path: Path, friend_folder: Path
) -> None:
    (tmp_path / "sshd").mkdir()
    with sshd.running(tmp_path / "sshd") as friend:
        with Guest.thaw(image, installed, tmp_path / "first") as guest:
            home = House(guest)
            home.setup(answers(home, friend, friend_folder))
            sticks = write_kits(home, tmp_path)
            home.edit(inventory=[{"name": "after the kits were written"}])
            home.ctl("publish")
            guest.wait_for("paraductl backup home", "the data to be at the friend's as well")
            home.wait_until_idle()
            config = home.config()
            sums = guest.run("cd /srv/source && sha256sum * | sort").out
        (tmp_path / "first/disk.qcow2").unlink()

        with Guest.thaw(image, installed, tmp_path / "second") as guest:
            home = House(guest)
            guest.put("/root/passphrase", f"{NEW_PASSPHRASE}\n".encode(), 0o600)
            options = []
            for number, name in enumerate(HOLDERS):
                guest.plug(sticks[name], f"STICK-{name}")
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
            assert guest.run("cd /root/back/home && sha256sum * | sort").out == sums
            assert guest.run("cat /proc/mounts | grep /dev/sd", check=False).out == ""


def write_kits(home: House, folder: Path) -> dict[str, Path]:
    """The kits of those three on sticks, plugged in one after another."""
    sticks = {}
    for name in HOLDERS:
        home.owner("create-steward-device", "--no-wait", name)
        sticks[name] = usb_sticks.blank(folder / f"{name}.img", label=name.upper())
        home.guest.plug(sticks[name], f"STICK-{name}")
        home.wait_for_log(f"{name.title()}'s kit is written and read back")
        home.guest.unplug(f"STICK-{name}")
    return sticks
