"""What shall be recorded, now or, when that is not possible (a full disk), later."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from paraduxd.api.errors import ParaduxError

log = logging.getLogger("paradux.runs")


class Recorder:
    """Keeps what could not be recorded, in order. Whoever uses it holds a lock."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def is_behind(self) -> bool:
        """Something is not recorded yet: it may be a hold."""
        return bool(self._waiting)

    def record(self, what: Callable[[], None]) -> bool:
        """Record now, or later; whether it is recorded."""
        done = _recorded(what)
        if not done:
            self._waiting.append(what)
        return done

    def catch_up(self) -> None:
        """Record what waits, as far as that is possible now."""
        while self._waiting and _recorded(self._waiting[0]):
            self._waiting.popleft()


def _recorded(what: Callable[[], None]) -> bool:
    try:
        what()
    except ParaduxError as problem:
        log.error("%s", problem.message)
        return False
    return True
