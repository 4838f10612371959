"""Before a push: an empty staging directory, or the half-filled one of a machine that was just recovered, is no new version.

A machine that has never completed a push to a destination, however often it has listed or restored what lies there, finds out what
others have pushed. It is then held to the same measure as a pull, and removes no version with its first push.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from paraduxd.core.plan.terms import Guard
from paraduxd.core.runs.guard import rules as guards
from paraduxd.effects.files.walk import entries, walk
from paraduxd.protocols.base import Destination, HeldError, Omitted, PushRequest, Version

HELD = "staging-shrunk"
"""The reason of these holds. The next good pull ends them, or the owner."""


def checked(
    staging: Path, request: PushRequest, destination: Destination, guard: Guard, *, pushed_before: bool = False
) -> PushRequest:
    """What may be pushed; raises `HeldError`. What the owner has approved (`held`) is let through: it removes nothing.

    `pushed_before`: this machine has completed a push to this place.
    """
    if request.held:
        return request
    if pushed_before:
        if request.known_versions and request.known_versions[-1].files and _is_empty(staging, request.omitted):
            raise _held(request.known_versions[-1], 0)
        return request
    there = destination.versions()
    if not there:
        return request
    newest = destination.counted(_counted(there[-1], request.known_versions))
    files = _count(staging, request.omitted)
    known = 1 if newest.files is None else newest.files  # nothing at all is too few, however many there were
    if guards.decide(known, removed=max(0, known - files), changed=0, files=files, guard=guard):
        raise _held(newest, files)
    return replace(request, held=True, prune=False)


def _counted(newest: Version, known: Iterable[Version]) -> Version:
    """With the count that was told with a push, where the engine does not tell it later."""
    told = (version for version in known if version.id == newest.id and version.files is not None)
    return newest if newest.files is not None else next(told, newest)


def _held(newest: Version, files: int) -> HeldError:
    known = f"{newest.files} files" if newest.files else "files"
    text = f"there are {files} files to push, but the newest version there, of {newest.time}, has {known}"
    return HeldError(HELD, text, removed=max(0, (newest.files or 0) - files), files=files)


def _is_empty(folder: Path, omitted: Omitted) -> bool:
    with os.scandir(folder) as entries:
        return all(os.fsencode(entry.name) in omitted.paths for entry in entries)


def _count(folder: Path, omitted: Omitted) -> int:
    """Regular files, links not followed; what cannot be read does not count, nor does what is left out."""
    if omitted.paths:
        return sum(stat.S_ISREG(status.st_mode) for _, status in entries(folder, omitted.paths))
    return sum(len(_regular(inner, names)) for inner, _, names in walk(folder))


def _regular(folder: str | Path, names: list[str]) -> list[str]:
    return [name for name in names if not os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118  a million files
