"""Data as the daemon's own engines write it, for the page to bring back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from paraduxd.core.plan.terms import Keep
from paraduxd.protocols.base import Identity, PushRequest
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.protocols.restic.keys.stored_keys import master_key
from paraduxd.testing import samples
from tests.page.hostile import make_hostile
from tests.protocols.archive import first_format
from tests.protocols.archive.rig import archive, new_keys
from tests.protocols.restic.rig import SECRET, destination, restic

OWNER, PLACE, INSTANCE = "ab" * 16, "cd" * 16, "ef" * 16
VOLUME = 1 << 18
KEEP = Keep(last=100)

Version = dict[str, str]
"""Path (each byte a character) to SHA-256; of a link "-> " and its target, of a directory "/"."""


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


def make_archive(folder: Path, volume: int = VOLUME) -> dict[str, Version]:
    """Three runs in `folder`/archive: everything that a file system allows, then changes, deletions, and names that come back."""
    staging, expected = folder / "staging", {}
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
            file.seek(number << 15)
            file.write(f"data {number}".encode())
        file.truncate(2 << 20)
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
        file.seek(3 << 19)
        file.write(b"a change in a hole")


def contents(root: Path) -> Version:
    """What is below a directory."""
    found = {}
    for folder, names, files in os.walk(root):
        for path in (Path(folder, name) for name in (*names, *files)):
            found[_binary(str(path.relative_to(root)))] = _content(path)
    return found


def _binary(text: str) -> str:
    return os.fsencode(text).decode("latin-1")


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {_binary(str(path.readlink()))}"
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return "/" if path.is_dir() else "special"


def make_repository(folder: Path) -> dict[str, Version]:
    """Three snapshots in `folder`/repository, of what the runs of the archive are made of."""
    staging, expected = folder / "kept", {}
    place = destination(folder / "repository", identity=Identity(OWNER, "12" * 16, INSTANCE, 1))
    known: tuple[Any, ...] = ()
    for day, change in enumerate((_first, _second, _third), 1):
        change(staging)
        request = PushRequest(KEEP, f"2026-11-{day:02}T06:00:00Z", known_versions=known, read_back=False)
        pushed = place.push(staging, request)
        known = pushed.versions
        expected[pushed.version.id] = contents(staging)
    return expected


def make_first_format(folder: Path) -> dict[str, Version]:
    """The first of them, in `folder`/repository-1 as restic before 0.14 made them: format 1, which knows no compression."""
    root = folder / "repository-1"
    restic(root, "init", "--repository-version", "1")
    place = destination(root, identity=Identity(OWNER, "12" * 16, INSTANCE, 1))
    _first(folder / "kept-1")
    pushed = place.push(folder / "kept-1", PushRequest(KEEP, "2026-11-01T06:00:00Z", read_back=False))
    assert json.loads(restic(root, "cat", "config"))["version"] == 1
    return {pushed.version.id: contents(folder / "kept-1")}


def repository_key(folder: Path, password: str = SECRET) -> dict[str, str]:
    """The copy of a repository's key, as `managed.data_keys` has it."""
    [key] = (folder / "repository/keys").iterdir()
    return {"id": key.name, "key_file": key.read_text(), "master_key": master_key(key.read_bytes(), password)}


def make_tree(folder: Path) -> None:
    """A plain copy with two versions; the newer one has the higher number, whatever its name says."""
    for number, name in ((2, "2026-11-01T06-00-00Z"), (1, "2026-11-02T06-00-00Z")):
        (folder / "tree/versions" / name / "album").mkdir(parents=True)
        (folder / "tree/versions" / name / "album/picture.jpg").write_bytes(b"picture")
        (folder / "tree/manifests").mkdir(exist_ok=True)
        manifest = {"format": "paradux-tree/1", "id": name, "number": number}
        (folder / "tree/manifests" / f"{name}.json").write_text(json.dumps(manifest))


def make_data(folder: Path) -> None:
    """All of it below `folder`; `expected.json` says what must come out."""
    folder.mkdir(parents=True, exist_ok=True)
    versions, snapshots = make_archive(folder), make_repository(folder)
    make_tree(folder)
    make_hostile(folder / "hostile")
    shutil.copytree(folder / "archive", folder / "archive_1")
    first_format.rewrite(folder / "archive_1")
    repository = {"name": "photos/shelf", "password": SECRET, "repository": repository_key(folder)}
    snapshots_1 = make_first_format(folder)
    expected = {
        "keys": archive_keys(),
        "archive": versions,
        "repository": snapshots,
        "repository_1": snapshots_1,
        "repository_key": repository,
    }
    (folder / "expected.json").write_text(json.dumps(expected))
