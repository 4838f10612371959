"""Data as the daemon's own engines write it, for the page to bring back: an archive in three runs, a repository, plain files, and what spoils them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paraduxd.core.plan.model import Keep
from paraduxd.protocols.base import Identity, PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from tests.protocols.archive.rig import archive, new_keys

OWNER, PLACE, INSTANCE = "ab" * 16, "cd" * 16, "ef" * 16
VOLUME = 1 << 18
KEEP = Keep(last=100)

Expected = dict[str, dict[str, str]]
"""Version to path (each byte a character) to SHA-256; of a link "-> " and its target, of a directory "/"."""


def archive_keys() -> dict[str, Any]:
    """`managed.data_keys` of the destination with the archive."""
    keys = new_keys()
    assert keys.private
    private = {"private_key": keys.private.private_key, "passphrase": keys.private.passphrase}
    public = {"fingerprint": keys.fingerprint, "public_key": keys.public_key, "verify_key": keys.verify_key}
    return {PLACE: {"name": "photos/drawer", "archive": {**public, **private, "signing_key": keys.signing_key}}}


def identity(generation: int = 1) -> Identity:
    """The machine that writes."""
    return Identity(owner=OWNER, place=PLACE, instance=INSTANCE, generation=generation)


def make_archive(folder: Path, volume: int = VOLUME) -> Expected:
    """Three runs in `folder`/archive: everything that a file system allows, then changes, deletions, and names that come back."""
    staging, expected = folder / "staging", Expected()
    place = archive(DiskBlobs(folder / "archive"), folder / "machine", volume=volume, identity=identity())
    for day, change in enumerate((_first, _second, _third), 1):
        change(staging)
        version = place.push(staging, PushRequest(KEEP, f"2026-11-{day:02}T06:00:00Z", read_back=False)).version
        expected[version.id] = contents(staging)
    shutil.rmtree(folder / "machine")
    return expected


def _first(root: Path) -> None:
    samples.write_sample(root)
    (root / "café").mkdir()
    (root / "café/ünïcode.txt").write_text("first")
    (root / "goes").write_text("goes in the second run")
    (root / "comes back").write_text("as it was first")
    (root / ("d" * 120) / ("e" * 120)).mkdir(parents=True)
    (root / ("d" * 120) / ("e" * 120) / ("f" * 200)).write_text("a long name")
    (root / "linked-1").write_text("one file, two names")
    os.link(root / "linked-1", root / "café/linked-2")
    with (root / "holes").open("wb") as file:
        for number in range(40):
            file.seek(number << 18)
            file.write(f"data {number}".encode())
        file.truncate(11 << 20)
    (root / "outside").symlink_to("/etc/passwd")
    (root / "above").symlink_to("../../elsewhere")
    (root / "near").symlink_to("café/ünïcode.txt")


def _second(root: Path) -> None:
    for name in ("goes", "comes back"):
        (root / name).unlink()
    (root / "café/ünïcode.txt").write_text("second")
    os.link(root / "linked-1", root / "linked-3")
    (root / "random").write_bytes(os.urandom(700_000))
    shutil.rmtree(root / "empty directory")


def _third(root: Path) -> None:
    (root / "comes back").write_text("as it is now")
    (root / "linked-3").unlink()
    (root / "café").rename(root / "renamed")
    with (root / "holes").open("r+b") as file:
        file.seek(5 << 20)
        file.write(b"a change in a hole")


def contents(root: Path) -> dict[str, str]:
    """What is below a directory."""
    found = {}
    for folder, names, files in os.walk(os.fsencode(root)):
        for name in (*names, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(root)).decode("latin-1")] = _content(path)
    return found


def _content(path: bytes) -> str:
    if os.path.islink(path):
        return f"-> {os.readlink(path).decode('latin-1')}"
    if os.path.isfile(path):
        return hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
    return "/" if os.path.isdir(path) else "special"


def spoil(folder: Path, name: str, change: Callable[[Path], None], source: str = "archive") -> None:
    """A copy of the archive in `folder`/`name` with something wrong in it."""
    shutil.copytree(folder / source, folder / name)
    change(folder / name)


def make_data(folder: Path) -> None:
    """All of it below `folder`; `expected.json` says what must come out."""
    folder.mkdir(parents=True, exist_ok=True)
    versions = make_archive(folder)
    expected = {"keys": archive_keys(), "archive": versions}
    (folder / "expected.json").write_text(json.dumps(expected))
