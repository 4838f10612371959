"""Restoring: choose a version, write it into a directory that holds nothing else, say how old it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.orders import Order
from paraduxd.protocols import trees
from paraduxd.protocols.base import Destination, RestoreResult, Version

MARK = ".paradux-restore"
"""In the target while a restore is under way, so that an interrupted one can be repeated and nothing else is overwritten."""


def restore(order: Order, destination: Destination | None) -> dict[str, Any]:
    """Restore from a destination, or from staging when `destination` is `None`."""
    target, paths = Path(order.arguments["to"]), list(order.arguments.get("paths") or [])
    _check_paths(paths)
    if destination is None:
        with _target(target, order.dataset):
            result = trees.restore_staging(Path(order.staging), target, paths)
    else:
        version = choose(destination.versions(), order.arguments.get("at"))
        with _target(target, order.dataset):
            result = destination.restore(version, target, paths)
    return _plain(result)


def choose(versions: tuple[Version, ...], at: str | None) -> Version:
    """The newest version, or the newest not younger than `at` (RFC 3339); raises `ParaduxError` when there is none."""
    fitting = [version for version in versions if at is None or _moment(version.time) <= _moment(at)]
    if not fitting:
        when = f" from {at} or before" if at else ""
        raise ParaduxError("no-version", f"this destination has no version{when}", "see: paraductl versions DATASET")
    return max(fitting, key=lambda version: _moment(version.time))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _check_paths(paths: list[str]) -> None:
    for path in paths:
        if path.startswith("/") or ".." in path.split("/"):
            raise ParaduxError(
                "bad-path",
                "a path to restore must be relative to the dataset and without ..",
                "see: paraductl versions",
            )


@contextlib.contextmanager
def _target(target: Path, dataset: str) -> Iterator[None]:
    """Make sure that nothing of the owner's is overwritten: the target is new, empty, or an interrupted restore of this dataset."""
    mark = target / MARK
    try:
        target.mkdir(parents=True, exist_ok=True)
        interrupted = mark.is_file() and mark.read_text() == dataset
        if not interrupted and any(target.iterdir()):
            raise ParaduxError("not-empty", f"{target} is not empty", "give a new or an empty directory with --to")
        mark.write_text(dataset)
    except OSError as problem:
        raise ParaduxError(
            "bad-target", f"cannot write into {target}: {problem.strerror}", "give another directory with --to"
        ) from None
    yield
    mark.unlink(missing_ok=True)


def _plain(result: RestoreResult) -> dict[str, Any]:
    version = result.version
    return {"version": version.id, "time": version.time, "files": result.files, "bytes": result.bytes}
