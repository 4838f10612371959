"""Which versions of a destination may go: the rules of `restic forget`, as a pure function.

Each rule walks from the newest version to the oldest and keeps the newest of each period until it has kept as many as it
may; a version stays when any rule keeps it. Periods are those of UTC; weeks are ISO 8601 weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from paraduxd.api import phrases
from paraduxd.core.plan.terms import Keep
from paraduxd.core.primitives.timestamps import moment, stamp


class Numbered(Protocol):
    """Anything with an id, a time in RFC 3339 and a number; versions from before numbering have none."""

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def number(self) -> int | None: ...


V = TypeVar("V", bound=Numbered)
Period = Callable[[datetime], object]


def in_order(versions: Iterable[V], now: str = "") -> tuple[V, ...]:
    """Oldest first: by number, whatever the clock said.

    Versions without a number come before all others, by time and id; those that are dated after `now` (RFC 3339; "": nothing is known of
    the clock) first of all.
    """
    limit = moment(now) if now else None

    def rank(version: V) -> tuple[bool, int, bool, datetime, str]:
        time = moment(version.time)
        early = version.number is None and limit is not None and time > limit
        return (version.number is not None, version.number or 0, not early, time, version.id)

    return tuple(sorted(versions, key=rank))


def next_number(versions: Iterable[V]) -> int:
    """The number of the version that comes after all of these."""
    return max((version.number or 0 for version in versions), default=0) + 1


def to_remove(versions: Iterable[V], keep: Keep, now: str, grace: int = 0) -> tuple[V, ...]:
    """The versions that no rule keeps and that are older than `grace` seconds, oldest first.

    `keep` without any rule keeps everything. The newest version always stays. A version dated after `now` (a clock was or is
    wrong) stays and takes nobody's place.
    """
    ordered = in_order(versions, now)
    if all(count is None for count in astuple(keep)):
        return ()
    limit = moment(now)
    present = [version for version in reversed(ordered) if moment(version.time) <= limit]
    kept = {version.id for version in present[:1]}
    for count, period in _rules(keep):
        kept |= _newest_of_each(present, count or 0, period)
    old = {version.id for version in present if (limit - moment(version.time)).total_seconds() >= grace}
    return tuple(version for version in ordered[:-1] if version.id in old - kept)


def why_removed(keep: Keep, grace: int = 0) -> str:
    """The reason why a version goes, as a sentence for the journal; `grace` in seconds."""
    wanted = [f"the last {keep.last}"] if keep.last is not None else []
    periods = ("hourly", "daily", "weekly", "monthly", "yearly")
    wanted += [f"{count} {name}" for name in periods if (count := getattr(keep, name)) is not None]
    age = f", and it is older than {phrases.duration(grace)}" if grace else ""
    return f"keep holds {', '.join(wanted)}{age}"


def protected_until(
    versions: Iterable[V], keep: Keep, now: str, grace: int = 0, alarm: str | None = None
) -> str | None:
    """When the first of the versions that `keep` does not hold may go (RFC 3339); `None`: there is none, or one may go now.

    `alarm`: nothing may be removed before (RFC 3339).
    """
    unwanted = to_remove(versions, keep, now)
    free = [moment(version.time) + timedelta(seconds=grace) for version in unwanted]
    if not free:
        return None
    first = max(min(free), moment(alarm)) if alarm else min(free)
    return stamp(first) if first > moment(now) else None


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
