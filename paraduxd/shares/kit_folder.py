"""Reading a kit from a folder, as somebody who does not trust what is in it: few files, of bounded size, no links."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from paraduxd.shares.collection import Material
from paraduxd.shares.kit_copies import shares_in
from paraduxd.shares.kit_manifest import KitInfo

FOLDER = "PARADUX"
PREVIOUS = "previous"
COPIES = "copies"
CONFIG = "config.gpg"

SHARES = ("share.txt", "copies/share-2.txt", "copies/share-3.txt")
"""The share and its copies, for a stick that rots."""

_CORE = frozenset(("share.txt", "kit.json", CONFIG, "recovery-key.asc"))
"""What makes a folder a kit's."""

_SHARE = re.compile(r"(copies/)?share[^/]*\.txt")

_MOST_NAMES, _MOST_COPIES = 1000, 8
"""Names of a folder that are looked at, and files that may be copies of the share."""

_SMALL, _LARGE, _ALL = 256 * 1024, 10 * 1024 * 1024, 64 * 1024 * 1024
"""Bytes of a text or key, of an encrypted config, and of all kits in one folder."""

_MOST_KITS = 64


def material_from_directory(path: Path, label: str) -> tuple[Material, ...]:
    """What the kits in a folder bring to a recovery: one that the folder itself is, and those one level below, whatever their names.

    A kit written in a rotation brings two epochs. A file that cannot be read is as good as missing; a folder without anything of a kit
    gives one material without a share.
    """
    kits = _kits(path)[:_MOST_KITS]
    found, room = list[Material](), _ALL
    for kit in kits:
        files = _files(kit, room)
        room -= sum(map(len, files.values()))
        found += materials_of(files, label if len(kits) == 1 else f"{label} ({kit.name})")
    return tuple(found) or (Material(label),)


def materials_of(files: Mapping[str, bytes], label: str) -> tuple[Material, ...]:
    """What the files of a kit, by their names below its folder, bring; more than one share where another one lies in a copy's place."""
    files = {name.lower(): content for name, content in files.items()}
    found = _materials(files, label)
    if any(name.startswith(f"{PREVIOUS}/") for name in files):
        before = {name.removeprefix(f"{PREVIOUS}/"): data for name, data in files.items() if name.startswith(PREVIOUS)}
        found += _materials(before, f"{label} (previous epoch)")
    return tuple(found)


def _materials(files: Mapping[str, bytes], label: str) -> list[Material]:
    manifest = files.get("kit.json")
    copies = [files[name].decode("utf-8", "replace") for name in _share_names(files)]
    first, *others = shares_in(copies, _sha256(manifest)) or (None,)
    kit = Material(label, first, manifest, files.get("recovery-key.asc"), files.get("config.gpg"))
    return [kit, *(Material(f"{label} (another share in it)", share_text=share) for share in others)]


def _share_names(files: Mapping[str, bytes]) -> list[str]:
    """The share and its copies, then what else may be one, as "share (1).txt"."""
    named = [name for name in SHARES if name in files]
    return named + sorted(name for name in files if _SHARE.fullmatch(name) and name not in named)[:_MOST_COPIES]


def _sha256(manifest: bytes | None) -> str:
    """The hash of the kit's own share; empty when the manifest does not tell."""
    try:
        return KitInfo.from_json(manifest).share_sha256 if manifest else ""
    except ValueError:
        return ""


def _kits(path: Path) -> list[Path]:
    """The folders of kits: this one, then those in it, `PARADUX` first; a copied one is called "PARADUX (1)" or "paradux"."""
    inside = [
        path / name
        for name in _names(path)
        if name.lower() not in (PREVIOUS, COPIES) and not (path / name).is_symlink() and _is_kit(path / name)
    ]
    inside.sort(key=lambda kit: (kit.name != FOLDER, kit.name))
    return [path, *inside] if _is_kit(path) else inside


def _is_kit(path: Path) -> bool:
    return not _CORE.isdisjoint(name.lower() for name in _names(path))


def _names(path: Path) -> list[str]:
    """What is in a folder, as far as a kit can reach; nothing of what is none."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in islice(entries, _MOST_NAMES))
    except OSError:
        return []


def _files(kit: Path, room: int) -> dict[str, bytes]:
    """The files of a kit that a recovery needs, by their names in lower case, as far as there is room (bytes)."""
    found: dict[str, bytes] = {}
    for folder, prefix in _folders(kit):
        for name in _names(folder):
            wanted = f"{prefix}{name.lower()}"
            if not (name.lower() in _CORE or _SHARE.fullmatch(wanted.removeprefix(f"{PREVIOUS}/"))):
                continue
            most = min(room, _LARGE if name.lower() == CONFIG else _SMALL)
            if (content := _content(folder / name, most)) is not None and wanted not in found:
                found[wanted] = content
                room -= len(content)
    return found


def _folders(kit: Path) -> Iterator[tuple[Path, str]]:
    """The kit's folder, and those of copies and the epoch before in it, with what their files' names begin with."""
    yield kit, ""
    for name in _names(kit):
        if name.lower() in (PREVIOUS, COPIES) and not (kit / name).is_symlink():
            yield kit / name, f"{name.lower()}/"


def _content(path: Path, most: int) -> bytes | None:
    """A regular file of at most `most` bytes, or nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if 0 < len(content) <= most else None
