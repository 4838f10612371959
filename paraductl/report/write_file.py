"""A file that its user named, written by the client as that user: whole or not at all, and for nobody else to read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from paraduxd.api.errors import ParaduxError


def write_file(path: Path, text: str) -> None:
    """Replace the file; what was there stays if this fails. Raises `ParaduxError` "not-written"."""
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        why = problem.strerror or "it cannot be written"
        raise ParaduxError(
            "not-written", f"cannot write the page: {why}", "name a file in a folder that can be written"
        ) from None
