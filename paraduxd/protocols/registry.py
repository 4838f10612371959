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
    protocols: dict[str, Protocol] = {}
    for origin, candidate in (*_installed(), *_drop_ins(folder)):
        if not isinstance(candidate, Protocol):
            _log.warning("Protocol plugin %s is ignored: it has no PROTOCOL", origin)
        elif candidate.name in protocols:
            _log.warning("Protocol plugin %s is ignored: the name %s is taken", origin, candidate.name)
        else:
            protocols[candidate.name] = candidate
    return protocols


def find(name: str, folder: Path = FOLDER) -> Protocol:
    """The protocol of this name; raises `ParaduxError` "unknown-protocol". Loads no other plugin of a package than this one."""
    if name in SHIPPED:
        shipped: Protocol = import_module(f"paraduxd.protocols.{SHIPPED[name]}").PROTOCOL
        return shipped
    for point in entry_points(group=GROUP, name=name):
        if isinstance(protocol := _resolve(point), Protocol):
            return protocol
    if protocol := load(folder).get(name):
        return protocol
    raise ParaduxError(
        "unknown-protocol", "there is no protocol of this name", f"install the plugin, or see {folder} and the log"
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


def _drop_ins(folder: Path) -> Iterator[tuple[str, object]]:
    found = load_folder(folder, frozenset({0, os.geteuid()}))
    for sentence in found.refused:
        _log.warning("Protocol plugin %s", sentence)
    for module in found.modules:
        yield str(module.__file__), getattr(module, "PROTOCOL", None)
