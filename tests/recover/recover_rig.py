"""A family's Paradux before the disaster, and the blank machine after it: real daemons, vaults, gpg, restic and a real SFTP server."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paraduxd.core.primitives.place_identity import legacy_uid
from tests.integration.sshd import Server
from tests.rig import Installation, fill, minimal_answers, running

Json = dict[str, Any]

NAMES = ("alice", "bob", "carol", "dave", "erin")
NEW_PASSPHRASE = "a quite different new passphrase"
CANARY = f"CANARY-{secrets.token_hex(6)}-inventory"


def answers(root: Path, server: Server) -> Json:
    """photos: disk, account, friend (restic); docs: account, friend; mail: friend only; scans: on the disk in the house only."""
    found = minimal_answers(root)
    found["policy"] = {"shares_required": 3}
    found["stewards"] = [{"id": name, "name": name.title(), "fate": [f"person:{name}"]} for name in NAMES]
    found["inventory"] = [{"name": "bank", "password": CANARY}]
    login = {"private_key": server.private_key}
    found["metadata_stashes"] = [
        {"id": "account", "protocol": "disk", "url": f"file://{root}/account/config", "fate": ["account:aws"]},
        {
            "id": "friend",
            "protocol": "sftp",
            "url": server.url("sftp", root / "friend" / "config"),
            "credentials": login,
            "fate": ["place:friend"],
        },
    ]
    address = f"sftp://{server.user}@127.0.0.1:{server.port}/{root}/friend"
    disk = {"id": "disk", "protocol": "disk", "every": "1d", "keep": {"last": 5}, "fate": ["place:house"]}
    account = {**disk, "id": "account", "fate": ["account:aws"]}
    friend = {"id": "friend", "protocol": "rsync", "credentials": login, "every": "1d", "fate": ["place:friend"]}
    sealed = {"id": "friend", "protocol": "restic", "credentials": login, "every": "1d", "fate": ["place:friend"]}
    destinations: dict[str, list[Json]] = {
        "photos": [
            {**disk, "url": f"file://{root}/disk/photos"},
            {**account, "url": f"file://{root}/account/photos"},
            {**sealed, "repository": f"{address}/photos"},
        ],
        "docs": [
            {**account, "url": f"file://{root}/account/docs"},
            {**friend, "url": server.url("rsync+ssh", root / "friend" / "docs")},
        ],
        "mail": [{**friend, "url": server.url("rsync+ssh", root / "friend" / "mail")}],
        "scans": [{**disk, "url": f"file://{root}/disk/scans"}],
    }
    found["datasets"] = [
        {
            "id": name,
            "source": {
                "protocol": "disk",
                "url": f"file://{root}/laptop/{name}",
                "every": "1d",
                "fate": ["place:house"],
            },
            "staging": f"{root}/house/{name}",
            "destinations": places,
        }
        for name, places in destinations.items()
    ]
    return found


@dataclass
class Family:
    """What was there before the disaster. `config` is the last one; `folder` has kits and places; a test may wreck its places."""

    folder: Path
    config: Json = field(repr=False)
    contents: dict[str, dict[str, bytes]] = field(repr=False)

    def kit(self, name: str) -> str:
        """The folder of somebody's kit."""
        return str(self.folder / "kits" / name / "PARADUX")

    def kits(self, *names: str) -> list[str]:
        """As options of `recover`."""
        return [word for name in names for word in ("--kit", self.kit(name))]

    def words(self, name: str) -> str:
        """Somebody's share."""
        managed = self.config["managed"]
        return str(managed["shares"]["words"][managed["shares"]["issued"][name]])

    def secrets(self) -> list[bytes]:
        """What may be in no file and in no memory of a locked Paradux."""
        managed = self.config["managed"]
        texts = [CANARY, NEW_PASSPHRASE, managed["recovery"]["secret"], *managed["shares"]["words"]]
        return [text.encode() for text in texts]

    def reset(self) -> None:
        """All places as they were, machines gone."""
        for name in ("account", "disk", "friend", "house", "laptop"):
            put_back(self.folder / "pristine" / name, self.folder / name)

    def burn(self) -> None:
        """The house is gone, with laptop and disk; the account is closed."""
        for name in ("account", "disk", "house", "laptop"):
            shutil.rmtree(self.folder / name)
        (self.folder / "account").write_text("closed")


def put_back(pristine: Path, place: Path) -> None:
    """Copy it there in place of what is there. An rsync of a killed daemon may go on writing for a moment."""
    deadline = time.monotonic() + 30
    while True:
        try:
            if place.is_file():
                place.unlink()
            elif place.exists():
                shutil.rmtree(place)
            shutil.copytree(pristine, place, symlinks=True)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def make_family(folder: Path, server: Server) -> Family:
    """Set up, push everything, save once more, write five kits (they hold serial 3), save again (4), end."""
    with running(folder) as paradux:
        found = {}
        for name in ("photos", "docs", "mail", "scans"):
            fill(folder / "laptop" / name, 12, name)
            found[name] = contents(folder / "laptop" / name)
        paradux.setup(answers(folder, server))
        paradux.ctl("backup")
        paradux.owner("create-steward-device", "--all", "--directory", str(folder / "kits"))
        config = paradux.config()
        config["owner"]["phone"] = "+1 555 0100"
        paradux.edit(config)
        config = paradux.config()
        paradux.stop()
    shutil.move(folder / "state", folder / "old-state")
    for name in ("account", "disk", "friend", "house", "laptop"):
        shutil.copytree(folder / name, folder / "pristine" / name, symlinks=True)
    return Family(folder, config, found)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def recover(machine: Installation, *options: str, text: str | None = None, check: bool = True) -> Json:
    """The document of `recover` with a new passphrase."""
    new = machine.root / "new-passphrase"
    new.write_text(NEW_PASSPHRASE + "\n")
    done = machine.ctl("--json", "--passphrase-file", str(new), "recover", *options, text=text, check=False)
    assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{machine.tail()}"
    document: Json = json.loads(done.stdout)
    return {**document, "code": done.returncode, "stderr": done.stderr}


def unlocked_config(machine: Installation, passphrase: str = NEW_PASSPHRASE) -> Json | None:
    """The config, if this passphrase opens it."""
    machine.passphrase_file.write_text(passphrase + "\n")
    done: subprocess.CompletedProcess[str] = machine.owner("--json", "show", "--secrets", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def same_but_for_the_machine(config: Json, before: Json) -> bool:
    """Whether nothing but serial, instance, generation and what is remembered of kits is different.

    A config of version 0.1.0 knew places by name: their uids must follow from the names, and its keys go by them.
    """
    changed: Json = {"instance": "", "generation": 0, "kits": []}
    if "places" not in before["managed"]:
        names = {legacy_uid(*name.split("/")): name for name in config["managed"]["places"]}
        assert {place["uid"] for place in config["managed"]["places"].values()} == set(names)
        keys = config["managed"]["data_keys"].items()
        changed |= {"places": {}, "data_keys": {names[uid]: {**key, "name": ""} for uid, key in keys}}
        old_keys = before["managed"]["data_keys"].items()
        before = {
            **before,
            "managed": {**before["managed"], "data_keys": {n: {**key, "name": ""} for n, key in old_keys}},
        }
    ours = {**config["managed"], **changed}
    theirs = {**before["managed"], "instance": "", "generation": 0, "kits": []} | (
        {"places": {}} if "places" in changed else {}
    )
    return {**config, "serial": 0, "managed": ours} == {**before, "serial": 0, "managed": theirs}
