"""From the directory that an archive was unpacked in to the target: only once everything was unpacked, and by renaming."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path

from paraduxd.effects.files import directories

PART = ".paradux-unpacking"
"""In the target, while a restore is under way."""


def begin(target: Path) -> Path:
    """An empty private directory inside the target; what a killed restore left in it goes."""
    with directories.own(target) as folder:
        folder.remove(PART)
        folder.fresh(PART).close()
    return target / PART


def drop(folder: Path, unwanted: Sequence[str]) -> None:
    """Remove single files, and the directories that are there because of them only."""
    for path in unwanted:
        with contextlib.suppress(OSError):
            (folder / path).unlink()
            for above in (folder / path).relative_to(folder).parents:
                if above != Path():
                    (folder / above).rmdir()


def keep_only(folder: Path, wanted: Collection[str]) -> None:
    """Remove everything but these paths, with what is in them, and the directories above them."""
    above = {str(each) for path in wanted for each in Path(path).parents}
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        with directories.own(folder / inner) as held:
            attributes = held.attributes()
            held.unlock()
            for name in held.names():
                path = f"{inner}/{name}" if inner else name
                if path in above and path not in wanted and (folder / path).is_dir():
                    waiting.append(path)
                elif path not in wanted:
                    held.remove(name)
            held.take(attributes)


def place(folder: Path, target: Path, *, whole: bool) -> None:
    """Move everything from `folder` into `target`; `whole`: the target gets the mode, owner and times of the dataset's root."""
    with directories.own(target) as to, directories.own(folder) as held:
        attributes = held.attributes()
        held.unlock()
        for name in held.names():
            to.remove(name)
            held.move(name, to)
        to.remove(folder.name)
        if whole:
            to.take(attributes)


def give_up(folder: Path) -> None:
    """Remove what was unpacked."""
    with contextlib.suppress(OSError), directories.own(folder.parent) as target:
        target.remove(folder.name)
