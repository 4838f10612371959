"""What restic is told to leave out: paths as lines of `--exclude-file`.

Lines are patterns of Go's filepath.Match, held against real paths; restic expands variables in them, and takes white space away around
them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

_ENDING_LINES = ((b"\n", b"[\t-\v]"), (b"\r", b"[\f-\x0e]"))
"""What cannot stand in a line, and a class that has it in its middle."""


def lines(folder: Path, paths: Iterable[bytes]) -> bytes:
    """For these paths below a directory."""
    above = os.path.realpath(os.fsencode(folder)).rstrip(b"/")
    return b"".join(_literal(above + b"/" + path) + b"\n" for path in sorted(paths))


def _literal(path: bytes) -> bytes:
    last = path.decode("utf-8", "surrogateescape")[-1]
    ends_white = last.isspace() and last not in "\r\n"
    text = path[: -len(last.encode())] if ends_white else path
    text = re.sub(rb"([*?\[\\])", rb"\\\1", text).replace(b"$", b"$$")
    for character, some in _ENDING_LINES:
        text = text.replace(character, some)
    return text + (f"[{last}]".encode() if ends_white else b"")
