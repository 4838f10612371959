"""Whether others could put something else where a path leads: the owner and the mode of every directory on the way."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

ROOT = Path("/")


def distrust(path: Path, uids: frozenset[int], *, sticky: bool, below: Path = ROOT) -> str:
    """Why the directory `path`, or one above it as far as `below`, is not in the hands of `uids` alone; or an empty text.

    Every link on the way is followed, and where it leads is looked at as well. `sticky`: a directory on the way may be one like /tmp, where
    nobody renames what belongs to another.
    """
    for step in _steps(path):
        if step == below or step in below.parents:
            continue
        if reason := _reason(step, uids, sticky=sticky and step != path):
            return reason if step == path else f"{step}, on the way to it, {reason}"
    return ""


def _steps(path: Path) -> Iterator[Path]:
    """The path and every directory through which it leads, links and what they point at included."""
    ahead, seen = [path.absolute()], set[Path]()
    while ahead:
        last = ahead.pop()
        for step in (*reversed(last.parents), last):
            if step in seen:
                continue
            seen.add(step)
            yield step
            if os.path.islink(step):  # noqa: PTH114 - false for what cannot be looked at; that is said by whoever asks
                ahead.append(step.parent.resolve() / step.readlink())


def _reason(step: Path, uids: frozenset[int], *, sticky: bool) -> str:
    try:
        status = step.lstat()
    except OSError as problem:
        return f"cannot be looked at: {problem.strerror}"
    if status.st_uid not in uids:
        return f"belongs to user {status.st_uid}"
    if stat.S_ISLNK(status.st_mode) or (sticky and status.st_mode & stat.S_ISVTX):
        return ""
    return "may be written by others" if status.st_mode & OTHERS_WRITE else ""
