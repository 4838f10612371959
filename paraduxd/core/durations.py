"""Durations, fractions and cron expressions as the owner writes them in the config.

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


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_CRON_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


def check_cron(text: str) -> None:
    """Refuse what is not a five-field cron expression (crontab(5): lists, ranges, steps, names; 0 and 7 are Sunday).

    Raises `ValueError` that names the field.
    """
    _, _, days, months, _ = cron_numbers(text)
    if text.split()[4] == "*" and all(min(days) > _LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError("expected a day that these months have: this one never comes")


def cron_numbers(text: str) -> tuple[set[int], ...]:
    """The numbers that each of the five fields stands for (a Sunday is 0 or 7); raises `ValueError` that names the field."""
    parts = text.split()
    if len(parts) != len(_CRON_FIELDS):
        raise ValueError(
            'expected five cron fields: minute, hour, day, month, day of the week, like "30 3 * * mon-fri"'
        )
    return tuple(_cron_field(part, *field) for part, field in zip(parts, _CRON_FIELDS, strict=True))


def _cron_field(text: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The numbers that one field stands for."""
    numbers: set[int] = set()
    for item in text.lower().split(","):
        span, slash, step = item.partition("/")
        first, last = _cron_span(span, low, high, names)
        stepped = span == "*" or "-" in span
        if not low <= first <= last <= high or (slash and not (stepped and re.fullmatch("[1-9][0-9]?", step))):
            raise ValueError(
                f"the {name} of the cron expression must be *, or numbers from {low} to {high} like 1,5-7,*/2"
            )
        numbers.update(range(first, last + 1, int(step) if slash else 1))
    return numbers


def _cron_span(span: str, low: int, high: int, names: dict[str, int]) -> tuple[int, int]:
    """First and last number of `*`, `5` or `5-7`; (-1, -1) for anything else."""
    if span == "*":
        return low, high
    first, dash, last = span.partition("-")
    start = _cron_number(first, names)
    end = _cron_number(last, names) if dash else start
    if dash and end == 0 and last in names:
        end = 7  # "fri-sun": Sunday closes the week
    return start, end


def _cron_number(text: str, names: dict[str, int]) -> int:
    if re.fullmatch("[0-9]{1,2}", text):
        return int(text)
    return names.get(text, -1)
