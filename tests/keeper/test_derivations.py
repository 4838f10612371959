"""How often each command stretches a credential, counted at the one door to argon2id, with a real daemon and a real client.

Of the entries only those for keyslot 0, and the last opening of what was made, stretch a passphrase. Keyslot 1, which is tried first, costs
nothing: the recovery secret cannot be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.rig import PASSPHRASE, Installation, fill, running

OPEN = "that it opens: cryptsetup luksDump"
RECOVERY = "1: cryptsetup open"
MAKE = ["1: cryptsetup luksFormat", OPEN, "0: cryptsetup luksAddKey", RECOVERY, OPEN]
NEW = "another horse, another battery"


def counted(paradux: Installation, *commands: Callable[[], object]) -> list[str]:
    """What is stretched while these commands run."""
    before = paradux.log.stat().st_size
    for command in commands:
        command()
    said = paradux.log.read_bytes()[before:].decode()
    return re.findall(r"argon2id for the keyslot (.*)", said)


def change(paradux: Installation) -> Callable[[], object]:
    """An edit; what it begins with is read before."""
    config = paradux.config()
    config["owner"]["phone"] = config["owner"].get("phone", "") + "1"
    return lambda: paradux.edit(config)


def with_new_passphrase(paradux: Installation) -> None:
    new = paradux.root / "new"
    new.touch(mode=0o600)
    new.write_text(NEW)
    paradux.owner("passphrase", "--new-passphrase-file", str(new))
    paradux.passphrase_file.write_text(NEW)


def write_kits(paradux: Installation) -> None:
    for name in ("alice", "bob", "carol"):
        paradux.owner("create-steward-device", name, "--directory", str(paradux.root / "kits" / name))


def recover(paradux: Installation) -> None:
    kits = [
        part for name in ("alice", "bob", "carol") for part in ("--kit", str(paradux.root / "kits" / name / "PARADUX"))
    ]
    paradux.passphrase_file.write_text(PASSPHRASE)
    paradux.ctl(
        "lock"
    )  # a keeper that has a config open ends when its time is over, and the client brings the kits once more
    paradux.owner("recover", *kits)


def test_each_command_stretches_no_more_than_it_must(tmp_path: Path) -> None:
    with running(tmp_path / "paradux") as paradux:
        fill(paradux.root / "source")
        assert counted(paradux, paradux.setup) == MAKE
        assert counted(paradux, lambda: paradux.owner("show")) == [OPEN]
        assert counted(paradux, change(paradux)) == [OPEN]
        assert counted(paradux, lambda: paradux.owner("unlock")) == [OPEN]
        assert counted(paradux, lambda: paradux.ctl("show")) == []
        assert counted(paradux, lambda: paradux.ctl("lock"), lambda: paradux.ctl("status", check=False)) == []
        assert counted(paradux, lambda: with_new_passphrase(paradux)) == [OPEN, *MAKE]
        assert counted(paradux, lambda: write_kits(paradux)) == [OPEN] * 3
        assert counted(paradux, lambda: recover(paradux)) == [RECOVERY, OPEN, RECOVERY, OPEN, *MAKE]
        assert counted(paradux, lambda: paradux.owner("rotate")) == [OPEN]
