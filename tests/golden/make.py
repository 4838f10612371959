"""Make the golden kits of this version, with a real Paradux: `python -m tests.golden.make FOLDER`."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from paraduxd.core.config.managed import managed_of
from paraduxd.core.recovery import rotation
from tests.integration import sshd
from tests.rig import Installation, running

Json = dict[str, Any]

STEWARDS = [
    {"id": "alice", "name": "Alice Example", "phone": "+1 555 123 4567", "fate": ["person:alice"]},
    {"id": "dietrich", "name": "Dietrich Müller-Beispiel", "phone": "+49 30 901820", "language": "de"},
    {"id": "carol", "name": "Carol “CJ” Example", "email": "carol@example.org", "accepted_on": "2026-11-02"},
]


def answers(server: sshd.Server, stash: Path) -> Json:
    """A config in which every part has something, and no place of which is anybody's."""
    login = {"private_key": server.private_key}
    return {
        "version": 1,
        "owner": {"name": "Fred Myself", "email": "fred@example.org", "phone": "+1 999 888 7777"},
        "policy": {"shares_required": 2, "unlock_for": "15m", "stewards_know_each_other": True},
        "stewards": STEWARDS,
        "metadata_stashes": [
            {
                "id": "friend",
                "protocol": "sftp",
                "url": server.url("sftp", stash),
                "credentials": login,
                "kit_access": {"url": server.url("sftp", stash), "credentials": login},
                "fate": ["place:friend"],
            }
        ],
        "datasets": [
            {
                "id": "documents",
                "description": "Letters, contracts, taxes",
                "source": {"protocol": "disk", "url": "file:///srv/nobody/documents"},
                "destinations": [
                    {"id": "disk", "protocol": "disk", "url": "file:///srv/nobody/disk", "keep": {"daily": 7}},
                    {
                        "id": "friend",
                        "protocol": "rsync",
                        "url": server.url("rsync+ssh", Path("/srv/nobody/documents")),
                        "credentials": login,
                    },
                ],
            },
            {
                "id": "photos",
                "staging": "/srv/nobody/photos",
                "source": {
                    "protocol": "rsync",
                    "url": server.url("rsync+ssh", Path("/home/fred/photos")),
                    "credentials": login,
                    "exclude": ["*.tmp"],
                },
                "destinations": [{"id": "cloud", "protocol": "restic", "repository": "/srv/nobody/repository"}],
            },
        ],
        "inventory": [
            {"name": "Bank", "url": "https://bank.example", "username": "fred", "password": "pässwörd “1”\n\\ ' \" $"},
            {"name": "Safe", "notes": "Behind the picture.\nTurn left first."},
        ],
    }


def expected(config: Json) -> Json:
    """What a recovery must give, by each epoch."""
    epochs = {}
    for part in managed_of(config).parts:
        epoch, words, issued = part.recovery.epoch, part.shares.words, part.shares.issued
        epochs[str(epoch)] = {
            "secret": part.recovery.secret,
            "words": {steward: words[index] for steward, index in issued.items()},
            "config": rotation.published_under(config, epoch, config["serial"]),
        }
    return {"epochs": epochs}


def keep(paradux: Installation, stash: Path, folder: Path) -> None:
    """Lay down what there is now, once all of it is published."""
    paradux.ctl("publish")
    shutil.copytree(stash, folder / "published")
    text = json.dumps(expected(paradux.config()), indent=2, ensure_ascii=False, sort_keys=True)
    (folder / "expected.json").write_text(text + "\n")


def make(folder: Path, work: Path) -> None:
    """Both families, below `folder`, which must not exist."""
    stash = work / "friend"
    stash.mkdir()
    (work / "sshd").mkdir()
    whole, rotating = folder / "whole", folder / "rotation"
    with sshd.running(work / "sshd") as server, running(work / "paradux") as paradux:
        paradux.setup(answers(server, stash))
        paradux.owner("create-steward-device", "--all", "--directory", str(whole / "kits"))
        shutil.copytree(whole / "kits", rotating / "kits")
        config = paradux.config()
        config["owner"]["phone"] = "+1 999 888 0000"
        paradux.edit(config)
        keep(paradux, stash, whole)
        paradux.owner("rotate")
        shutil.rmtree(rotating / "kits" / "alice")
        paradux.owner("create-steward-device", "alice", "--directory", str(rotating / "kits" / "alice"))
        keep(paradux, stash, rotating)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="golden-") as temporary:
        make(Path(sys.argv[1]), Path(temporary))
