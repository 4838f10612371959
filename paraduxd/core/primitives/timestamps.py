"""Points in time as the journal and the plan write them (RFC 3339), and how people say how long something took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY = 86_400
HOUR = 3_600
MINUTE = 60


def parse(text: object) -> datetime | None:
    """The moment in UTC, or `None` for anything that is not an RFC 3339 text; without an offset it is taken as UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second: "2026-11-23T06:22:00Z"."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """How people say it: "3 days", "36 hours", "90 minutes", "a moment"."""
    for length, word in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {word}"
    return "1 minute" if seconds >= MINUTE else "a moment"


def later(moment: datetime, seconds: float) -> datetime:
    """So many seconds later; the end of all dates for what lies beyond them, as a record with a wrong clock may."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
