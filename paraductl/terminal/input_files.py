"""Reading the files that options name."""

from __future__ import annotations

import sys
from pathlib import Path

from paraduxd.api.errors import ParaduxError


def shown_name(name: str) -> str:
    """What a file is called in messages."""
    return "standard input" if name == "-" else name


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`; raises `ParaduxError` that never repeats the text."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode()
    except OSError as error:
        raise ParaduxError(
            "unreadable", f"cannot read {name}: {error.strerror}", "check name and permissions"
        ) from None
    except UnicodeDecodeError as error:
        raise ParaduxError(
            "unreadable", f"cannot read {name}: byte {error.start} is not UTF-8", "save it as UTF-8"
        ) from None
