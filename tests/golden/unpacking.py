"""Golden states as they were: with their owners, modes and times."""

from __future__ import annotations

import subprocess
from pathlib import Path


def unpack(archive: Path, to: Path) -> None:
    """Unpack an archive of make_state.py into a directory, which may be missing. By tar: tarfile of Python 3.11.2 knows no filters."""
    to.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--same-owner", "-p", "-f", str(archive), "-C", str(to)], check=True)
