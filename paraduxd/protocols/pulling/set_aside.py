"""Earlier copies that wait beside staging while new ones are written: rclone before 1.63 removes a file that it fails to replace."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from paraduxd.effects.files.walk import walk
from paraduxd.effects.tools import rclone


@contextlib.contextmanager
def set_aside(staging: Path, names: Sequence[str]) -> Iterator[None]:
    """Move these files of staging away; at the end, those that nothing new has come for are put back. A kill is made good by `put_back`."""
    if names and not rclone.writes_beside():
        beside = _beside(staging)
        for name in names:
            with contextlib.suppress(
                OSError
            ):  # where nothing can be written beside staging, or rclone finds the same trouble
                (beside / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.move(staging / name, beside / name)
    try:
        yield
    finally:
        put_back(staging)


def put_back(staging: Path) -> None:
    """Give staging back what was set aside, as far as nothing new is in its place."""
    beside = _beside(staging)
    for place, _, names in walk(beside):
        for name in names:
            old = Path(place) / name
            new = staging / old.relative_to(beside)
            if not os.path.lexists(new):
                new.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(old, new)
    shutil.rmtree(beside, ignore_errors=True)


def _beside(staging: Path) -> Path:
    return staging.parent / f".{staging.name}.paradux-before"
