"""Before a push: an empty staging directory, or the half-filled one of a machine that was just recovered, is no new version.

A machine that has never pushed to a destination finds out what others have pushed there. It is then held to the same measure as a
pull, and removes no version with its first push.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from paraduxd.core import guard as guards
from paraduxd.core.plan import Guard
from paraduxd.protocols.base import Destination, HeldError, PushRequest, Version

HELD = "staging-shrunk"
"""The reason of these holds. The next good pull ends them, or the owner."""


def checked(staging: Path, request: PushRequest, destination: Destination, guard: Guard) -> PushRequest:
    """What may be pushed; raises `HeldError`. What the owner has approved (`held`) is let through: it removes nothing."""
    if request.held:
        return request
    if request.known_versions:
        if request.known_versions[-1].files and _is_empty(staging):
            raise _held(request.known_versions[-1], 0)
        return request
    there = destination.versions()
    if not there:
        return request
    newest = there[-1]
    files = _count(staging)
    known = newest.files or 1  # restic 0.14 does not tell how many there are: nothing at all is still too few
    if guards.decide(known, removed=max(0, known - files), changed=0, files=files, guard=guard):
        raise _held(newest, files)
    return replace(request, held=True, prune=False)


def _held(newest: Version, files: int) -> HeldError:
    known = f"{newest.files} files" if newest.files else "files"
    text = f"there are {files} files to push, but the newest version there, of {newest.time}, has {known}"
    return HeldError(HELD, text, removed=max(0, (newest.files or 0) - files), files=files)


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _count(folder: Path) -> int:
    """Regular files, links not followed; what cannot be read does not count."""
    return sum(len(_regular(inner, names)) for inner, _, names in os.walk(folder))


def _regular(folder: str | Path, names: list[str]) -> list[str]:
    return [name for name in names if not os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118  a million files
