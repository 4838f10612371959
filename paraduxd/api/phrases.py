"""How amounts are said to people, the same everywhere: lengths of time, sizes, counts, lists. The standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
"""In seconds."""

_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB")


def duration(seconds: float) -> str:
    """In a sentence: "3 days", "36 hours", "90 minutes", "a moment"."""
    for length, word in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {word}"
    return "1 minute" if seconds >= MINUTE else "a moment"


def span(seconds: float) -> str:
    """In a table: "12 s", "12 min", "3 h", "2 days"."""
    for least, unit, word in ((2 * DAY, DAY, "days"), (HOUR, HOUR, "h"), (MINUTE, MINUTE, "min")):
        if seconds >= least:
            return f"{int(seconds // unit)} {word}"
    return f"{max(int(seconds), 0)} s"


def ago(time: str | None, now: datetime) -> str:
    """How long ago, by RFC 3339: "3 h ago", "never"."""
    if time is None:
        return "never"
    seconds = (now - moment(time)).total_seconds()
    if seconds < -MINUTE:
        return "in the future"
    return "just now" if seconds < MINUTE else f"{span(seconds)} ago"


def ahead(time: str | None, now: datetime) -> str:
    """How far ahead: "in 12 min", "due"; a dash when there is no such time."""
    if time is None:
        return "-"
    seconds = (moment(time) - now).total_seconds()
    return "due" if seconds <= 0 else f"in {span(seconds)}"


def moment(time: str) -> datetime:
    """The time, in UTC where it says nothing else; raises `ValueError`."""
    found = datetime.fromisoformat(time)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def size(count: float) -> str:
    """Bytes: "512 bytes", "1.5 MiB"."""
    if count < 1024:
        return f"{int(count)} byte{'' if int(count) == 1 else 's'}"
    for unit in _SIZES:
        count /= 1024
        if count < 1024 or unit == _SIZES[-1]:
            break
    return f"{count:.1f} {unit}"


def size_or_nothing(count: int | None) -> str:
    """As `size`; empty for what is not known."""
    return "" if count is None else size(count)


def count(number: int, one: str, many: str = "") -> str:
    """So many things: "1 file", "1,200 files"; `many` where an "s" does not do it."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def some(names: Sequence[str], at_most: int = 3, in_all: int | None = None) -> str:
    """The first names, and how many more there are: "a, b, c and 4 more"; `in_all` where `names` are not all of them."""
    shown = names[:at_most]
    more = (in_all or len(names)) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def listed(names: Sequence[str]) -> str:
    """All of them: "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def bar(percent: float, width: int) -> str:
    """How far something is: "[####----]"."""
    full = int(min(max(percent, 0), 100) / 100 * width)
    return f"[{'#' * full}{'-' * (width - full)}]"
