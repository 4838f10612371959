"""The guard: when a pull looks like a disaster at the source, and must not reach the destinations.

* An empty source, where there were files before, is always held (a disk that is not mounted).
* More than `max_removed` of the known files gone, or more than `max_changed` of them changed at once (ransomware), is held;
  but only when at least `ENOUGH_FILES` files were known: in a folder of four, two deleted files mean nothing.
* What the owner has approved (a number of files) is let through, however much it is.

All counts are regular files.
"""

from __future__ import annotations

from paraduxd.core.plan.terms import Guard
from paraduxd.core.runs.orders import Held

MANY_CHANGED = "many-changed"
"""The reason of a hold that only the owner ends: the changed files are in staging by then, so a later pull looks harmless."""

ENOUGH_FILES = 10
"""Known files from which on fractions mean something."""


def decide(
    known_files: int | None,
    *,
    removed: int,
    changed: int,
    files: int,
    guard: Guard,
    allowed_removed: int = 0,
    allowed_changed: int = 0,
) -> Held | None:
    """What to hold and why, or None to let the pull through.

    `known_files` is what there was after the last good pull (None: there was none); `files` what the source has now.
    """
    if not known_files:
        return None
    reason, text = "", ""
    if changed > allowed_changed and _too_many(changed, known_files, guard.max_changed):
        reason = MANY_CHANGED
        text = f"{changed} of {known_files} files changed at once, more than {guard.max_changed:.0%}"
    elif files == 0 and removed > allowed_removed:
        reason, text = "source-empty", f"the source is empty; it had {known_files} files"
    elif removed > allowed_removed and _too_many(removed, known_files, guard.max_removed):
        reason = "many-removed"
        text = f"{removed} of {known_files} files are gone from the source, more than {guard.max_removed:.0%}"
    return Held(reason, text, removed, changed, files) if reason else None


def _too_many(count: int, known_files: int, fraction: float) -> bool:
    return known_files >= ENOUGH_FILES and count > fraction * known_files
