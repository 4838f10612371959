"""Points in time as the journal and the plan write them (RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY = 86_400
HOUR = 3_600
MINUTE = 60


_FIRST_YEAR = 1970
_LONGEST = 40
"""Characters."""


def moment(text: str) -> datetime:
    """The point in time of an RFC 3339 text, in UTC (which is assumed when no offset is given).

    Raises `ValueError`, also for what lies outside of the years 1970 to 9999 (which no clock of ours has shown).
    """
    if len(text) > _LONGEST:
        raise ValueError("not a time")
    parsed = datetime.fromisoformat(text)
    try:
        found = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("a time beyond the calendar") from None
    if found.year < _FIRST_YEAR:
        raise ValueError("a time before 1970")
    return found


def parse(text: object) -> datetime | None:
    """Likewise; `None` for anything that is no such text."""
    try:
        return moment(text) if isinstance(text, str) else None
    except ValueError:
        return None


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second: "2026-11-23T06:22:00Z"."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def later(moment: datetime, seconds: float) -> datetime:
    """So many seconds later; the end of all dates for what lies beyond them, as a record with a wrong clock may."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
