"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 60.0
"""Seconds that anything may take on a machine that is busy; nobody waits so long where it works."""

_FIRST, _LAST = 0.005, 0.1
"""Seconds between two looks: soon at first, then as rarely as nobody notices."""


def wait_for(
    condition: Callable[[], object], what: str, *, seconds: float = LONG, otherwise: Callable[[], str] = str
) -> None:
    """Wait until the condition holds; `otherwise` gives what a failure shows besides."""
    deadline, pause = time.monotonic() + seconds, _FIRST
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}\n{otherwise()}")
        time.sleep(pause)
        pause = min(pause * 1.25, _LAST)
