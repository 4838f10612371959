"""Kits that somebody else has made: recover.py, which stands alone, and the daemon's reading of folders and sticks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile import measured

RECOVER = Path(__file__).parents[2] / "paraduxd/keeper/kits/documents/data/recover.py"
SET = {"identifier": 1, "shares": [{"sha256": [], "member": {}, "steward": {"name": []}}]}


def huge(folder: Path) -> None:
    for name in ("config.gpg", "share.txt", "kit.json", "recovery-key.asc"):
        with (folder / name).open("wb") as file:
            file.truncate(1 << 40)


def many(folder: Path) -> None:
    for number in range(200):
        (folder / str(number)).mkdir()
        for name in ("kit.json", "config.gpg", "share.txt"):
            (folder / str(number) / name).write_bytes(b"{" * (200_000 if name == "kit.json" else 1_500_000))


def links(folder: Path) -> None:
    for name, target in (
        ("config.gpg", "/dev/zero"),
        ("share.txt", "/proc/self/mem"),
        ("recovery-key.asc", "/dev/full"),
    ):
        (folder / name).symlink_to(target)
    (folder / "copies").symlink_to(folder)
    (folder / "previous").symlink_to("/")


def manifest(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "kit.json").write_text(text)


def names(folder: Path) -> None:
    for name in (b"config\xff\x1b[2J.gpg", b"share\n.txt"):
        (folder / os.fsdecode(name)).touch()


def pipes(folder: Path) -> None:
    for name in ("config.gpg", "share.txt", "kit.json"):
        os.mkfifo(folder / name)


def shares(folder: Path) -> None:
    for number in range(50_000):
        (folder / f"share {number}.txt").touch()


ATTACKS: dict[str, Callable[[Path], object]] = {
    "huge files": huge,
    "100 MiB of kits": many,
    "50,000 files": shares,
    "pipes": pipes,
    "links": links,
    "deep manifest": manifest("[" * 200_000),
    "deep objects": manifest('{"set":' * 30_000),
    "many entries": manifest("[" + "0," * 100_000 + "0]"),
    "long number": manifest('{"set": {"identifier": ' + "9" * 200_000 + "}}"),
    "1e999": manifest('{"set": {"identifier": 1e999}, "epoch": 1e999}'),
    "wrong types": manifest(json.dumps({"set": SET, "owner": [], "epoch": [], "serial": {}, "share": []})),
    "names": names,
    "message of packets": lambda folder: (folder / "config.gpg").write_bytes(b"\xcb\x06b\0\0\0\0\0" * 100_000),
    "key of packets": lambda folder: (folder / "recovery-key.asc").write_bytes(
        b"BEGIN PGP PRIVATE KEY BLOCK" + b"\x99\0" * 100_000
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_kit(tmp_path: Path, attack: str) -> None:
    kit = tmp_path / "PARADUX"
    kit.mkdir()
    ATTACKS[attack](kit)
    said = measured.run(
        f"recover.py: {attack}", [sys.executable, "-I", str(RECOVER), str(kit)], allowed=(1,), cwd=tmp_path
    )
    assert "Traceback" not in said and said.strip().endswith("there are not enough shares of one set")
    assert "\x1b" not in said
    told = measured.taken(f"kit folder: {attack}", {"what": "kit", "to": str(kit)})
    assert "0 shares" in told
    stick = measured.taken(f"stick: {attack}", {"what": "stick", "to": str(tmp_path)})
    assert stick.startswith(("no-kit", "void", "{"))
    subprocess.run(["rm", "-rf", str(kit)], check=True)
