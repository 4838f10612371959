"""Restoring: choose a version, write it into a directory that holds nothing else, say how old it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import directories
from paraduxd.protocols import paths as paths_to_restore
from paraduxd.protocols.base import Destination, RestoreResult, Version
from paraduxd.protocols.trees import destination as trees
from paraduxd.worker.transfer import staged_data, target


def restore(order: Order, destination: Destination | None) -> dict[str, Any]:
    """Restore from a destination, or from staging when `destination` is `None`."""
    to, paths = Path(order.arguments["to"]), list(order.arguments.get("paths") or [])
    uids, whole = directories.trusted(int(order.arguments.get("uid", 0))), not paths
    paths_to_restore.check(paths)
    if destination is None:
        staging = staged_data.to_read(order)
        with target.prepared(to, [order.dataset, "staging", *paths], uids, whole=whole) as data:
            return _plain(trees.restore_staging(staging, data, paths))
    version = choose(destination.versions(), order.arguments.get("at"))
    with target.prepared(to, [order.dataset, order.location, version.id, *paths], uids, whole=whole) as data:
        return _plain(destination.restore(version, data, paths))


def choose(versions: tuple[Version, ...], at: str | None) -> Version:
    """The newest version, or the newest of those from `at` (RFC 3339) or before; raises `ParaduxError` when there is none.

    `versions` are in order: which of them is the newest is not for their clocks to say.
    """
    fitting = [version for version in versions if at is None or _moment(version.time) <= _moment(at)]
    if not fitting:
        when = f" from {at} or before" if at else ""
        raise ParaduxError("no-version", f"this destination has no version{when}", "see: paraductl versions DATASET")
    return fitting[-1]


def _moment(text: str) -> datetime:
    found = timestamps.parse(text)
    if found is None:
        raise ParaduxError("bad-time", "the time to restore from is not of the form 2026-11-23T12:00:00Z")
    return found


def _plain(result: RestoreResult) -> dict[str, Any]:
    version = result.version
    return {"version": version.id, "time": version.time, "files": result.files, "bytes": result.bytes}
