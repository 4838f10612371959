"""What the running kernel does about freed memory, and which rights it gives this process."""

from __future__ import annotations

import contextlib
import functools
import os
import re
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


def reads_everything() -> bool:
    """Whether rights on files do not bind this process (it has CAP_DAC_OVERRIDE, capabilities(7)); root outside of sandboxes has."""
    match = re.search(r"(?m)^CapEff:\s*([0-9a-f]+)$", _read(Path("/proc/self/status")))
    return bool(int(match[1], 16) >> 1 & 1) if match else os.geteuid() == 0


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""
