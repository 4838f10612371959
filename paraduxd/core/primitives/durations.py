"""Durations, fractions and rates as the owner writes them in the config.

Every error is a `ValueError` that says what was expected and never repeats what was given.
"""

from __future__ import annotations

import re

_UNITS = {"w": (604800, "week"), "d": (86400, "day"), "h": (3600, "hour"), "m": (60, "minute"), "s": (1, "second")}
_DURATION = re.compile(r"([0-9]{1,10})([smhdw]?)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")

LONGEST = 10 * 366 * 86400
"""Seconds; ten years are longer than anything worth scheduling, and far from what overflows."""

_RATE_UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_RATE = re.compile(r"([0-9]{1,10})([kMG]?)")
_SLOWEST, _FASTEST = 1024, 10**12
_EXPECTED_RATE = "expected bytes per second like 500k, 2M or 1G (thousands, millions, billions), at least 1024"

_EXPECTED_DURATION = "expected a duration like 90s, 15m, 6h, 1d or 2w"
_EXPECTED_FRACTION = 'expected a share from "0%" to "100%", or a number from 0 to 1'


def parse(value: str | int) -> int:
    """Seconds of a duration: `90s 15m 6h 1d 2w`, or a bare number of seconds. Raises `ValueError`."""
    seconds = _seconds(value)
    if seconds <= 0:
        raise ValueError(f"{_EXPECTED_DURATION}, longer than nothing")
    if seconds > LONGEST:
        raise ValueError(f"{_EXPECTED_DURATION}, at most ten years")
    return seconds


def parse_grace(value: str | int) -> int:
    """Seconds of a duration that may be nothing: "0s". Raises `ValueError`."""
    return 0 if _seconds(value) == 0 else parse(value)


def _seconds(value: str | int) -> int:
    if type(value) is int:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_EXPECTED_DURATION)
    return int(match[1]) * _UNITS[match[2] or "s"][0]


def write(seconds: int) -> str:
    """The shortest text that `parse` reads as so many seconds: 900 -> "15m"."""
    count, unit = _largest(seconds)
    return f"{count}{unit}"


def describe(seconds: int) -> str:
    """A duration for people: 21600 -> "6 hours", 1209600 -> "2 weeks"."""
    count, unit = _largest(seconds)
    name = _UNITS[unit][1]
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _largest(seconds: int) -> tuple[int, str]:
    """The duration in the largest unit that divides it."""
    if seconds == 0:
        return 0, "s"
    return next(
        (seconds // size, unit) for unit, (size, _) in _UNITS.items() if seconds % size == 0 and seconds >= size
    )


def parse_fraction(value: str | float) -> float:
    """A share of a whole, 0..1, from "25%" or 0.25. Raises `ValueError`."""
    if type(value) in (int, float):
        fraction = float(value)
    else:
        match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(_EXPECTED_FRACTION)
        fraction = float(match[1]) / 100
    if not 0 <= fraction <= 1:
        raise ValueError(_EXPECTED_FRACTION)
    return fraction


def write_fraction(fraction: float) -> str:
    """A fraction as the owner would write it: 0.25 -> "25%"."""
    return f"{round(fraction * 100, 6):.6f}".rstrip("0").rstrip(".") + "%"


def parse_rate(value: str | int) -> int:
    """Bytes per second: `500k 2M 1G` (decimal), or a bare number. Raises `ValueError`."""
    match = _RATE.fullmatch(str(value)) if type(value) in (int, str) else None
    if match is None:
        raise ValueError(_EXPECTED_RATE)
    rate = int(match[1]) * _RATE_UNITS[match[2]]
    if not _SLOWEST <= rate <= _FASTEST:
        raise ValueError(_EXPECTED_RATE)
    return rate


def write_rate(rate: int) -> str:
    """The shortest text that `parse_rate` reads as so many bytes per second: 500000 -> "500k"."""
    units = sorted(_RATE_UNITS.items(), key=lambda unit: -unit[1])
    return next(f"{rate // size}{unit}" for unit, size in units if rate % size == 0)
