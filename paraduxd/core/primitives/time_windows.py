"""Hours of the day in which scheduled transfers may start, "22:00-06:00", by the wall clock of this machine.

Pure: moments and time zone are arguments (`None`: the machine's zone). A window is open whenever the wall clock shows a time in it: when
the clock is put back, an hour that comes twice is open twice; hours that the clock skips do not open on that day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from paraduxd.api.frozen import dataclass

_DAY = 24 * 60
_MINUTE = timedelta(minutes=1)
_TEXT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_EXPECTED = 'expected hours of the day like "22:00-06:00", with an end other than the start'
_FARTHEST = 3 * _DAY
"""Minutes within which every window opens, whatever the clock skips."""


@dataclass(frozen=True)
class Window:
    """Minutes of the day: open from `start` until before `end`, over midnight when `end` is smaller."""

    start: int
    end: int

    def is_open(self, moment: datetime, zone: tzinfo | None = None) -> bool:
        """Whether transfers may start at this moment."""
        return (_wall(moment, zone) - self.start) % _DAY < (self.end - self.start) % _DAY

    def opens(self, moment: datetime, zone: tzinfo | None = None) -> datetime:
        """The first moment (UTC) from the given one on at which the window is open."""
        moment = moment.astimezone(UTC)
        if self.is_open(moment, zone):
            return moment
        whole = moment.replace(second=0, microsecond=0)
        opening = whole + ((self.start - _wall(moment, zone)) % _DAY) * _MINUTE
        if _offset(opening, zone) == _offset(moment, zone):
            return opening
        # The clock is set between now and then: look at every minute.
        later = (whole + minutes * _MINUTE for minutes in range(1, _FARTHEST))
        return next((each for each in later if self.is_open(each, zone)), opening)


def parse(text: str) -> Window:
    """The window that a text describes; raises `ValueError` with what was expected."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(_EXPECTED)
    hours = [int(part) for part in match.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start == end:
        raise ValueError(_EXPECTED)
    return Window(start, end)


def opens(text: str | None, moment: datetime, zone: tzinfo | None = None) -> datetime:
    """When a transfer that is due at `moment` may start by the window `text` (`None`: always)."""
    return moment if text is None else parse(text).opens(moment, zone)


def is_open(text: str | None, moment: datetime, zone: tzinfo | None = None) -> bool:
    """Whether a transfer may start at `moment` by the window `text` (`None`: always)."""
    return text is None or parse(text).is_open(moment, zone)


def _wall(moment: datetime, zone: tzinfo | None) -> int:
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


def _offset(moment: datetime, zone: tzinfo | None) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
