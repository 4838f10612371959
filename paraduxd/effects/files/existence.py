"""Whether something is there. `False` for what the system takes for no path at all (too long, say); that is told by whoever opens it.

`pathlib` raises there, until Python 3.14.
"""

from __future__ import annotations

import os
from pathlib import Path


def is_there(path: Path) -> bool:
    """Something that can be reached, through links."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: Path) -> bool:
    """A directory, also through links."""
    return os.path.isdir(path)  # noqa: PTH112


def is_link(path: Path) -> bool:
    """A symbolic link."""
    return os.path.islink(path)  # noqa: PTH114


def has_entries(folder: Path) -> bool:
    """Whether there is anything in a directory; there is nothing in one that cannot be read."""
    try:
        return any(folder.iterdir())
    except OSError:
        return False
