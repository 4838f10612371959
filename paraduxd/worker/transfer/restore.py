"""Restoring: choose a version, write it into a directory that holds nothing else, say how old it is."""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import bounded
from paraduxd.protocols.base import Destination, RestoreResult, Version
from paraduxd.protocols.trees import destination as trees

MARK = ".paradux-restore"
"""In the target while a restore is under way, so that an interrupted one can be repeated and nothing else is overwritten."""


def restore(order: Order, destination: Destination | None) -> dict[str, Any]:
    """Restore from a destination, or from staging when `destination` is `None`."""
    target, paths = Path(order.arguments["to"]), list(order.arguments.get("paths") or [])
    _check_paths(paths)
    if destination is None:
        with _target(target, [order.dataset, "staging", *paths]):
            result = trees.restore_staging(Path(order.staging), target, paths)
    else:
        version = choose(destination.versions(), order.arguments.get("at"))
        with _target(target, [order.dataset, order.location, version.id, *paths]):
            result = destination.restore(version, target, paths)
    return _plain(result)


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


def _check_paths(paths: list[str]) -> None:
    for path in paths:
        if path.startswith("/") or ".." in path.split("/"):
            raise ParaduxError(
                "bad-path",
                "a path to restore must be relative to the dataset and without ..",
                "see: paraductl versions",
            )


@contextlib.contextmanager
def _target(target: Path, what: list[str]) -> Iterator[None]:
    """Make sure that nothing of the owner's is overwritten: the target is new, empty, or an interrupted restore of the very same."""
    mark, content = target / MARK, json.dumps(what).encode()
    with _told(target):
        target.mkdir(parents=True, exist_ok=True)
        interrupted = mark.is_file() and not mark.is_symlink() and bounded.content(mark) == content
        if not interrupted:
            if any(target.iterdir()):
                raise ParaduxError("not-empty", f"{target} is not empty", "give a new or an empty directory with --to")
            with mark.open("xb") as file:
                file.write(content)
    try:
        yield
    except BaseException:
        _leave_nothing_but_files(target, mark)
        raise
    with _told(target):
        _remove(mark)


def _leave_nothing_but_files(target: Path, mark: Path) -> None:
    """When nothing was restored, the next attempt, from another place, finds an empty directory."""
    with contextlib.suppress(OSError):
        if [entry.name for entry in target.iterdir()] == [MARK]:
            mark.unlink()


def _remove(mark: Path) -> None:
    """Remove the mark, also from a directory that has just become read-only because the restored one is."""
    try:
        mark.unlink(missing_ok=True)
    except PermissionError:
        mode = stat.S_IMODE(mark.parent.stat().st_mode)
        mark.parent.chmod(mode | stat.S_IWUSR | stat.S_IXUSR)
        mark.unlink(missing_ok=True)
        mark.parent.chmod(mode)


@contextlib.contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise ParaduxError(
            "bad-target", f"cannot write into {target}: {problem.strerror}", "give another directory with --to"
        ) from None


def _plain(result: RestoreResult) -> dict[str, Any]:
    version = result.version
    return {"version": version.id, "time": version.time, "files": result.files, "bytes": result.bytes}
