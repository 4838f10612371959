"""How fast transfers are and how long they take yet, from what one look after the other tells."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.transfer_runs import Run

WINDOW = 10.0
"""Seconds over which a speed is measured: short enough for a line that got slower, long enough not to jump."""

LEAST = 0.5
"""Seconds after which there is a speed."""


@dataclass(frozen=True)
class Speed:
    """Bytes a second, and seconds that are left; `None`: not known yet."""

    rate: float | None = None
    left: float | None = None


_Look = tuple[float, int, float]
"""When (monotonic seconds), bytes, percent."""


class Speeds:
    """The speeds of runs that are looked at again and again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: dict[int, deque[_Look]] = {}

    def of(self, run: Run) -> Speed:
        """The speed by now; the time that is left as the tool tells it, else as the percents go on."""
        now, looks = self._clock(), self._looks.setdefault(run.run, deque())
        looks.append((now, run.bytes or 0, run.percent or 0.0))
        while len(looks) > 2 and now - looks[1][0] >= WINDOW:
            looks.popleft()
        then, size, percent = looks[0]
        told = run.eta if (run.percent or 0.0) >= 1 else None  # before that, tools say anything
        if now - then < LEAST:
            return Speed(left=told)
        rate = max(0.0, ((run.bytes or 0) - size) / (now - then))
        gained = (run.percent or 0.0) - percent
        left = (100 - (run.percent or 0.0)) * (now - then) / gained if gained > 0 else None
        return Speed(rate or None, left if told is None else told)
