"""The programs that the administrator lets run before and after pulls: files of root's in `/etc/paradux/hooks.d`, known by their names."""

from __future__ import annotations

import os
from pathlib import Path

from paraduxd.api.dropins import distrust_program

FOLDER = Path("/etc/paradux/hooks.d")


def path_of(name: str) -> Path:
    """Where the program of this name is."""
    return FOLDER / name


def distrusted(name: str) -> str:
    """Why the program is not to be started, as the end of a sentence; or an empty text."""
    if "/" in name:
        return "it is a path, not a name"
    return distrust_program(path_of(name), frozenset({0, os.geteuid()}))
