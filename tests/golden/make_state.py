"""Make the golden state directory of this version, with a real Paradux: `python -m tests.golden.make_state FILE.tar.xz`.

It holds a whole machine: state directory, source, destinations of every engine, metadata stashes, kits. The addresses in its config are
absolute, so that it can be used below `ROOT` only. What the vault's file system does not use is cleared, so that the file is small.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from paraduxd.effects.vault import luks, userspace_payload
from paraduxd.effects.vault.vault import LockedVault
from tests.rig import PASSPHRASE, Installation

Json = dict[str, Any]

ROOT = Path("/tmp/paradux-golden")
BLOCK = 4096
KEYSLOTS_END = 548864
"""Bytes: two headers of 16 KiB and two keyslots of 252 KiB."""


def answers(root: Path = ROOT) -> Json:
    """One dataset; every engine that needs no server."""

    def url(name: str) -> str:
        return f"file://{root}/{name}"

    return {
        "version": 1,
        "owner": {"name": "Fred Myself", "email": "fred@example.org", "fate": ["place:house"]},
        "policy": {"shares_required": 2},
        "stewards": [
            {"id": name, "name": name.title(), "accepted_on": "2026-11-01", "fate": [f"place:{name}"]}
            for name in ("alice", "bob", "carol")
        ],
        "metadata_stashes": [
            {"id": "friend", "protocol": "disk", "url": url("friend"), "fate": ["place:friend"]},
            {"id": "office", "protocol": "disk", "url": url("office"), "fate": ["place:office"]},
        ],
        "datasets": [
            {
                "id": "photos",
                "source": {"protocol": "disk", "url": url("source"), "every": "1h", "fate": ["place:house"]},
                "staging": f"{root}/staging",
                "destinations": [
                    {"id": "disk", "protocol": "disk", "url": url("disk"), "every": "1d", "fate": ["place:office"]},
                    {
                        "id": "cloud",
                        "protocol": "restic",
                        "repository": f"{root}/cloud",
                        "every": "1d",
                        "fate": ["place:cloud"],
                    },
                    {
                        "id": "vault",
                        "protocol": "disk",
                        "url": url("vault"),
                        "encryption": "gpg",
                        "every": "1d",
                        "fate": ["place:bank"],
                    },
                ],
            }
        ],
        "inventory": [{"name": "Safe", "notes": "Behind the picture."}],
    }


def live(paradux: Installation) -> None:
    """What happens on the machine before it is kept: two versions everywhere, kits, an edit after the kits."""
    source = ROOT / "source"
    (source / "letters").mkdir(parents=True)
    for number in range(8):
        (source / f"photo-{number}.txt").write_text(f"photo {number}\n" * 50)
    (source / "letters" / "old.txt").write_text("a letter that is deleted later\n")
    paradux.setup(answers())
    paradux.ctl("backup")
    time.sleep(1.1)
    (source / "letters" / "old.txt").unlink()
    (source / "letters" / "new.txt").write_text("a letter\n")
    paradux.ctl("backup")
    for name in ("alice", "bob", "carol"):
        paradux.owner("create-steward-device", name, "--directory", str(ROOT / "kits" / name))
    config = paradux.config()
    config["owner"]["phone"] = "+1 999 888 7777"
    paradux.edit(config)


def clear_unused(vault: Path) -> None:
    """Zero what nobody ever reads: the header's room for more keyslots, free blocks, and the journal of the file system but its head."""
    container = luks.segment(vault)
    key = luks.volume_key(vault, PASSPHRASE.encode())
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as image:
        image.write(userspace_payload.read(vault, container, key))
        image.flush()
        free = free_blocks(said("dumpe2fs", image.name))
        journal = [int(block) for block in said("debugfs", "-R", "blocks <8>", image.name).split()]
    with vault.open("r+b") as file:
        file.seek(KEYSLOTS_END)
        file.write(bytes(container.offset - KEYSLOTS_END))
        for first, last in [*free, *((block, block) for block in journal[1:])]:
            file.seek(container.offset + first * BLOCK)
            file.write(bytes((last - first + 1) * BLOCK))


def said(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def free_blocks(listed: str) -> list[tuple[int, int]]:
    """The ranges after "Free blocks:" of each group in the output of dumpe2fs."""
    found = []
    for line in re.findall(r"^  Free blocks: (.*)$", listed, re.MULTILINE):
        for part in filter(None, line.split(", ")):
            first, _, last = part.partition("-")
            found.append((int(first), int(last or first)))
    return found


def make(target: Path) -> None:
    """The archive `target`."""
    shutil.rmtree(ROOT, ignore_errors=True)
    paradux = Installation(ROOT / "paradux")
    paradux.start()
    try:
        live(paradux)
    finally:
        paradux.stop()
    clear_unused(paradux.state / "vault.luks")
    LockedVault(paradux.state / "vault.luks").open(PASSPHRASE.encode())  # it is still whole
    (paradux.state / "vault.luks.previous").unlink(missing_ok=True)
    with tarfile.open(target, "w:xz") as archive:
        for name in sorted(path.name for path in ROOT.iterdir()):
            archive.add(ROOT / name, name)
    shutil.rmtree(ROOT)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
