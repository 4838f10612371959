"""A gpg whose clock is wrong, for the program under test alone."""

from __future__ import annotations

from pathlib import Path

BEFORE, LATER = "20100101T000000", "20560101T000000"
"""Years before the keys of the tests were made, and decades after."""


def gpg_at(clock: str, folder: Path) -> Path:
    """A folder for the front of PATH, with a gpg to which it is always this time (`YYYYMMDDTHHMMSS`)."""
    folder.mkdir(exist_ok=True)
    program = folder / "gpg"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/gpg --faked-system-time {clock} "$@"\n')
    program.chmod(0o755)
    return folder
