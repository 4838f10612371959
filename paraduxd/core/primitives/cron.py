"""Cron expressions: what they mean, when they hold next, and how long they pause. The one place that decides it.

Five fields as in crontab(5): lists, ranges, steps, names; 0 and 7 are Sunday; with both a day of the month and a day of the week, either
will do. When the clock is set for summer or winter, the rule is Debian's (cron(8)): an expression for certain hours holds
once on each of its days, at the first moment after the gap when the clock skips its time, and at the first of two equal
times when the clock is put back. One for every hour follows the clock.

Pure: moments and time zone are arguments (`None`: the machine's zone). Every error is a `ValueError` that says what was expected and
never repeats what was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise

from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import timestamps

_FARTHEST = 9 * 366
"""Days within which every expression holds again: from one 29 February to the next, over a year like 2100."""

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_BEFORE = timedelta(hours=3)
"""A local day can begin so much before its midnight, when the clock is put back over that."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


def check(text: str) -> None:
    """Refuse what is not a five-field cron expression (crontab(5): lists, ranges, steps, names; 0 and 7 are Sunday).

    Raises `ValueError` that names the field.
    """
    _, _, days, months, _ = numbers(text)
    if text.split()[4] == "*" and all(min(days) > _LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError("expected a day that these months have: this one never comes")


def numbers(text: str) -> tuple[set[int], ...]:
    """The numbers that each of the five fields stands for (a Sunday is 0 or 7); raises `ValueError` that names the field."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            'expected five cron fields: minute, hour, day, month, day of the week, like "30 3 * * mon-fri"'
        )
    return tuple(_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True))


def _field(text: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The numbers that one field stands for."""
    found: set[int] = set()
    for item in text.lower().split(","):
        span, slash, step = item.partition("/")
        first, last = _span(span, low, high, names)
        stepped = span == "*" or "-" in span
        if not low <= first <= last <= high or (slash and not (stepped and re.fullmatch("[1-9][0-9]?", step))):
            raise ValueError(
                f"the {name} of the cron expression must be *, or numbers from {low} to {high} like 1,5-7,*/2"
            )
        found.update(range(first, last + 1, int(step) if slash else 1))
    return found


def _span(span: str, low: int, high: int, names: dict[str, int]) -> tuple[int, int]:
    """First and last number of `*`, `5` or `5-7`; (-1, -1) for anything else."""
    if span == "*":
        return low, high
    first, dash, last = span.partition("-")
    start = _number(first, names)
    end = _number(last, names) if dash else start
    if dash and end == 0 and last in names:
        end = 7  # "fri-sun": Sunday closes the week
    return start, end


def _number(text: str, names: dict[str, int]) -> int:
    if re.fullmatch("[0-9]{1,2}", text):
        return int(text)
    return names.get(text, -1)


@dataclass(frozen=True)
class _Cron:
    """An expression, read. `either`: one of day and weekday is enough; `hourly`: every hour is meant."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @property
    def hourly(self) -> bool:
        return len(self.hours) == 24

    def is_on(self, day: date) -> bool:
        """Whether this is one of its days."""
        in_days, in_weekdays = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = (in_days or in_weekdays) if self.either else (in_days and in_weekdays)
        return day.month in self.months and fits

    def times(self) -> Iterator[time]:
        """Its times of the day, in order."""
        return (time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))


@lru_cache(maxsize=256)
def _read(expression: str) -> _Cron:
    minutes, hours, days, months, weekdays = map(frozenset, numbers(expression))
    _, _, day, _, weekday = expression.split()
    either = not (day.startswith("*") or weekday.startswith("*"))
    return _Cron(minutes, hours, days, months, frozenset(each % 7 for each in weekdays), either)


def following(expression: str, after: datetime, zone: tzinfo | None = None) -> datetime | None:
    """The first moment (UTC) after the given one at which the expression holds; `None`: never again. Raises `ValueError`."""
    cron, after = _read(expression), after.astimezone(UTC)
    return _hourly(cron, after, zone) if cron.hourly else _daily(cron, after, zone)


def _daily(cron: _Cron, after: datetime, zone: tzinfo | None) -> datetime | None:
    """Each time of each day, once."""
    for day in _days_of(cron, after.astimezone(zone).date() - _DAY):
        for at in cron.times():
            moment = _moment(datetime.combine(day, at), zone)
            if moment > after:
                return moment
    return None


def _hourly(cron: _Cron, after: datetime, zone: tzinfo | None) -> datetime | None:
    """Whenever the clock shows one of its minutes on one of its days."""
    moment = after.replace(second=0, microsecond=0) + _MINUTE
    last = after + _FARTHEST * _DAY
    while moment < last:
        local = moment.astimezone(zone)
        if not cron.is_on(local.date()):
            day = next(_days_of(cron, local.date()), None)
            if day is None:
                return None
            moment = max(moment + _MINUTE, _moment(datetime.combine(day, time()), zone) - _BEFORE)
        elif local.minute in cron.minutes and local.second == 0:
            return moment
        else:
            moment += timedelta(seconds=60 - local.second)
    return None


def _days_of(cron: _Cron, first: date) -> Iterator[date]:
    """Its days from the first one on."""
    return (day for number in range(_FARTHEST) if cron.is_on(day := first + number * _DAY))


def _moment(wall: datetime, zone: tzinfo | None) -> datetime:
    """When the clock shows this (without a zone) for the first time; when it skips it, the end of the gap."""
    earlier, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier <= later:  # equal, or the first of two
        return earlier
    return _change(later, earlier, zone)


def _change(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """The moment between these two at which the clock is set, to the second."""
    new = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


@lru_cache(maxsize=256)
def period(expression: str) -> int:
    """Seconds: the longest gap that the coarsest restricted field leaves: Friday to Monday for "0 3 * * mon-fri"."""
    try:
        minutes, hours, days, months, weekdays = numbers(expression)
    except ValueError:
        return timestamps.DAY
    fields = (
        (months, 12, 31 * timestamps.DAY),
        (days, 31, timestamps.DAY),
        ({day % 7 for day in weekdays}, 7, timestamps.DAY),
        (hours, 24, timestamps.HOUR),
        (minutes, 60, timestamps.MINUTE),
    )
    return next((_gap(found, cycle) * unit for found, cycle, unit in fields if len(found) < cycle), timestamps.MINUTE)


def _gap(numbers: set[int], cycle: int) -> int:
    """The longest way from one number to the next, the last of which is followed by the first."""
    ordered = sorted(numbers)
    return max(after - before for before, after in pairwise((*ordered, ordered[0] + cycle)))
