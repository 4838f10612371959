"""How long to wait after failures: exponential, so that what is offline for hours costs a handful of attempts."""

from __future__ import annotations

FIRST = 60.0
"""Seconds after the first failure."""

LONGEST = 6 * 3600.0
"""Seconds; nothing is left alone for longer."""


def delay(failures: int, longest: float = LONGEST) -> float:
    """Seconds to wait after so many failures in a row: 60, 120, 240 ... up to `longest`; 0 without a failure."""
    if failures <= 0:
        return 0.0
    return float(min(FIRST * 2 ** min(failures - 1, 30), longest))
