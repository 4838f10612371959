"""What the running kernel does about freed memory."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path


@functools.cache
def init_on_free() -> bool | None:
    """Whether the kernel clears pages as they are freed; `None` when that cannot be told.

    The command line counts (`init_on_free=1`), else the default that the kernel was built with.
    """
    for word in _read(Path("/proc/cmdline")).split():
        if word.startswith("init_on_free="):
            return word.partition("=")[2].lower() in ("1", "y", "on")
    config = _read(Path(f"/boot/config-{os.uname().release}"))
    if not config:
        return None
    return "CONFIG_INIT_ON_FREE_DEFAULT_ON=y" in config.splitlines()


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""
