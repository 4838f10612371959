"""Which protocols there are: those that installed packages declare, and the administrator's drop-in modules."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from paraduxd.api.dropins import load_folder
from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import Protocol

GROUP = "paradux.protocols"
FOLDER = Path("/etc/paradux/protocols.d")

SHIPPED = {name: name for name in ("disk", "rsync", "sftp", "ftp", "ftps", "s3", "removable")} | {
    "restic": "restic.destination",
    "rclone": "rclone.protocol",
}
"""Modules of this package, found without the metadata of everything that is installed: a worker starts for each transfer."""

_log = logging.getLogger(__name__)


def load(folder: Path = FOLDER) -> dict[str, Protocol]:
    """All protocols by name. A plugin that does not load, or takes a name that is taken, is logged and left out."""
    protocols, ignored = _load(folder)
    for sentence in ignored:
        _log.warning("Protocol plugin %s", sentence)
    return protocols


def _load(folder: Path) -> tuple[dict[str, Protocol], list[str]]:
    """All protocols by name, and a sentence for each plugin that is left out."""
    protocols: dict[str, Protocol] = {}
    dropped, ignored = _drop_ins(folder)
    for origin, candidate in (*_installed(), *dropped):
        if not isinstance(candidate, Protocol):
            ignored.append(f"{origin} is ignored: it has no PROTOCOL")
        elif candidate.name in protocols:
            ignored.append(f"{origin} is ignored: the name {candidate.name} is taken")
        else:
            protocols[candidate.name] = candidate
    return protocols, ignored


def find(name: str, folder: Path = FOLDER) -> Protocol:
    """The protocol of this name; raises `ParaduxError` "unknown-protocol". Loads no other plugin of a package than this one."""
    if name in SHIPPED:
        shipped: Protocol = import_module(f"paraduxd.protocols.{SHIPPED[name]}").PROTOCOL
        return shipped
    for point in entry_points(group=GROUP, name=name):
        if isinstance(protocol := _resolve(point), Protocol):
            return protocol
    protocols, ignored = _load(folder)
    if name in protocols:
        return protocols[name]
    why = f": {'; '.join(ignored)}" if ignored else ""
    raise ParaduxError(
        "unknown-protocol",
        f"there is no protocol of this name{why}",
        f"put the plugin's file into {folder}, or install its package",
    )


def _installed() -> Iterator[tuple[str, object]]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield point.value, _resolve(point)


def _resolve(point: EntryPoint) -> object:
    """What an entry point names; a plugin may fail in any way, and then it is left out."""
    try:
        return point.load()
    except (Exception, SystemExit) as problem:
        _log.warning("Protocol plugin %s cannot be loaded: %s", point.value, type(problem).__name__)
        return None


def _drop_ins(folder: Path) -> tuple[list[tuple[str, object]], list[str]]:
    found = load_folder(folder, frozenset({0, os.geteuid()}))
    return [(str(module.__file__), getattr(module, "PROTOCOL", None)) for module in found.modules], [*found.refused]
