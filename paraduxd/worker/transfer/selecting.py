"""Which paths of a version a restore is for: as they were written, by pattern, or by the path that they have in the source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.listings import Entry
from paraduxd.core.primitives import globs
from paraduxd.core.runs.orders import Order
from paraduxd.protocols.base import Destination, Version
from paraduxd.worker.browse import choosing, contents
from paraduxd.worker.browse.contents import Reading


def of_staging(order: Order, staging: Path) -> list[str]:
    """The paths in what staging holds now."""
    return _expanded(order, contents.walked(staging)) if _wanted(order) else []


def of_version(order: Order, destination: Destination, version: Version) -> list[str]:
    """The paths in a version: what is in it tells the index of names or the place.

    A place that cannot tell is given what is no pattern as it is written.
    """
    wanted = _wanted(order)
    if not wanted:
        return []
    try:
        with contents.of_destination(order, lambda: destination) as there:
            there.fetch([version])
            return _expanded(order, there.entries(version))
    except ParaduxError as problem:
        paths = [choosing.clean(path, _root(order)) for path in wanted]
        if problem.code not in ("cannot-list", "index-failed") or any(map(globs.has_wildcard, paths)):
            raise
        return paths


def of_other(order: Order) -> list[str]:
    """The paths in a version of others, as they are written: they are not below the source, and no index has them.

    Raises `ParaduxError` "bad-path".
    """
    paths = [choosing.clean(f"./{path}") for path in _wanted(order)]
    if any(map(globs.has_wildcard, paths)):
        raise ParaduxError(
            "bad-path",
            "what is not a version of Paradux is restored by paths, not by patterns",
            "leave the wildcards out",
        )
    return paths


def entries_of_staging(staging: Path, paths: Sequence[str]) -> list[Entry]:
    """What staging holds at these paths (none: everywhere)."""
    return [entry for entry in contents.walked(staging) if _is_below(entry.path, paths)]


def entries_of_version(order: Order, destination: Destination, version: Version, paths: Sequence[str]) -> list[Entry]:
    """What a version holds at these paths (none: everywhere)."""
    with contents.of_destination(order, lambda: destination) as there:
        there.fetch([version])
        return [entry for entry in there.entries(version) if _is_below(entry.path, paths)]


def _is_below(path: str, paths: Sequence[str]) -> bool:
    return not paths or any(path == each or path.startswith(f"{each}/") for each in paths)


def _wanted(order: Order) -> list[str]:
    return list(Reading.of(order).paths or ())


def _root(order: Order) -> str:
    return Reading.of(order).root or ""


def _expanded(order: Order, entries: Iterable[Entry]) -> list[str]:
    names = [entry.path for entry in entries]
    paths = choosing.expand(_wanted(order), lambda: names, _root(order))
    return [] if "" in paths else paths
