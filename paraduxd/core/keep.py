"""Which versions of a destination may go: the rules of `restic forget`, as a pure function.

Each rule walks from the newest version to the oldest and keeps the newest of each period until it has kept as many as it
may; a version stays when any rule keeps it. Periods are those of UTC; weeks are ISO 8601 weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from paraduxd.core.plan import Keep


class Dated(Protocol):
    """Anything with an id and a time in RFC 3339."""

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> str: ...


V = TypeVar("V", bound=Dated)
Period = Callable[[datetime], object]


def moment(time: str) -> datetime:
    """The point in time of an RFC 3339 text, in UTC (which is assumed when no offset is given); raises `ValueError`."""
    parsed = datetime.fromisoformat(time)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def in_order(versions: Iterable[V]) -> tuple[V, ...]:
    """Oldest first; ids decide between equal times."""
    return tuple(sorted(versions, key=lambda version: (moment(version.time), version.id)))


def to_remove(versions: Iterable[V], keep: Keep, now: str) -> tuple[V, ...]:
    """The versions that no rule keeps, oldest first.

    `keep` without any rule keeps everything. The newest version always stays. A version dated after `now` (a clock was or is
    wrong) stays and takes nobody's place.
    """
    ordered = in_order(versions)
    if all(count is None for count in astuple(keep)):
        return ()
    present = [version for version in reversed(ordered) if moment(version.time) <= moment(now)]
    kept = {version.id for version in present[:1]}
    for count, period in _rules(keep):
        kept |= _newest_of_each(present, count or 0, period)
    candidates = {version.id for version in present}
    return tuple(version for version in ordered[:-1] if version.id in candidates - kept)


def _rules(keep: Keep) -> tuple[tuple[int | None, Period | None], ...]:
    return (
        (keep.last, None),
        (keep.hourly, lambda time: (time.date(), time.hour)),
        (keep.daily, lambda time: time.date()),
        (keep.weekly, lambda time: tuple(time.isocalendar())[:2]),
        (keep.monthly, lambda time: (time.year, time.month)),
        (keep.yearly, lambda time: time.year),
    )


def _newest_of_each(newest_first: Iterable[V], count: int, period: Period | None) -> set[str]:
    """The ids of the newest version of each of the `count` newest periods; without a period every version is one."""
    kept: dict[object, str] = {}
    for version in newest_first:
        key = version.id if period is None else period(moment(version.time))
        if key not in kept and len(kept) < count:
            kept[key] = version.id
    return set(kept.values())
