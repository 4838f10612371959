"""A folder of this machine in which a repository is to be made."""

from __future__ import annotations

import contextlib
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories, existence
from paraduxd.effects.files.directories import Directory


def check(path: Path) -> None:
    """Refuse to make a repository among other files, or over one whose config was lost; clean up after an interrupted making."""
    ours = {"config", "data", "index", "keys", "locks", "snapshots"}
    if not existence.is_folder(path):
        return
    with directories.own(path) as folder:
        found = set(folder.names())
        if found - ours or any(_has_files(folder, name) for name in found - {"config", "keys", "locks"}):
            raise _occupied(path)
        try:
            _clear_keys(folder)
        except OSError:
            raise _occupied(path) from None


def _clear_keys(folder: Directory) -> None:
    with contextlib.suppress(FileNotFoundError), folder.inner("keys") as keys:
        for key in keys.names():
            keys.unlink(key)


def _occupied(path: Path) -> ParaduxError:
    text = f"{path} is not empty and is no whole restic repository"
    return ParaduxError("not-empty", text, "give another directory with paraductl edit")


def _has_files(folder: Directory, name: str) -> bool:
    """Whether there is anything below a directory, or something else in its place."""
    try:
        with folder.inner(name) as inner:
            return any(True for _ in inner.files())
    except OSError:
        return True
