"""Who is authorized, until when, and the open config. When the authorized time is over the process ends: that is the lock.

Time is that of the boot clock: it does not jump with the wall clock, and the hours that a laptop sleeps count.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from paraduxd.keeper.runtime.kept import Kept
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.turns import Turns

GRACE = 1.0
"""Seconds that a keeper whom nobody needs stays, so that the next command finds it."""

START = 10.0
"""Seconds that a new keeper waits for the connection it was started for; on a busy machine it comes late."""

UNASKED = 3600.0
"""Seconds that a keeper without a config stays for connections that ask nothing: people answer questions before a setup."""

LONGEST_SAVE = 600.0
"""Seconds past the authorized time that a save in progress gets; one that hangs can be ended, nothing is lost by that."""

LONGEST_WORK = 2 * 3600.0
"""Seconds that a drill gets, however long the authorized time is."""

_LOOK_AGAIN = 5.0


def boot_clock() -> float:
    """Seconds since the machine started, those in suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Window:
    """The time for which `unlock` opened the vault: for one uid, until a moment of the boot clock and of the wall clock."""

    uid: int
    deadline: float
    until: str


@dataclass(eq=False)
class Visit:
    """One connection, and until when the passphrase counts that was given on it."""

    uid: int
    authorized_until: float = 0.0


class Session:
    """The keeper's state, shared by the threads of its connections."""

    def __init__(self, on_change: Callable[[Session], None], clock: Callable[[], float] = boot_clock) -> None:
        self._on_change = on_change
        self._clock = clock
        self._state = threading.Condition(threading.RLock())
        self._changing = threading.Lock()
        self._turns = Turns(frozenset({0, os.geteuid()}))
        self._attempts: list[float] = []
        self._saving_since: float | None = None
        self._visits: set[Visit] = set()
        self._asked = clock()
        self._needed = clock() + START
        self._opened: Opened | None = None
        self._window: Window | None = None
        self._kept_until = 0.0
        self._working_since: float | None = None
        self.kept = Kept()
        """What the features keep from one request to the next."""

    @property
    def opened(self) -> Opened | None:
        """The open config, or `None` while nobody has authorized."""
        return self._opened

    @property
    def window(self) -> Window | None:
        """The window that `unlock` opened."""
        return self._window

    def enter(self, uid: int) -> Visit:
        """A connection begins. From its return on the process does not end without regard to it."""
        visit = Visit(uid)
        with self._state:
            self._visits.add(visit)
            self._asked = self._clock()
        return visit

    def stay_for(self, visit: Visit) -> Visit:
        """A visit without a connection, authorized for as long as this one is now: what was asked for goes on when the client has gone."""
        stays = self.enter(visit.uid)
        with self._state:
            stays.authorized_until = visit.authorized_until
            self._state.notify_all()
        return stays

    def leave(self, visit: Visit) -> None:
        """A connection has ended. One without authority does not keep an open config in memory any longer."""
        with self._state:
            self._visits.discard(visit)
            if self._opened is None or self.covers(visit):
                self._needed = self._clock()
            self._state.notify_all()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While inside, the end of the authorized time does not end the keeper: a long piece of work that changes nothing (a drill)."""
        with self._state:
            self._working_since = self._clock()
        try:
            yield
        finally:
            with self._state:
                self._working_since = None
                self._needed = self._clock()
                self._state.notify_all()

    def keep(self, seconds: float) -> None:
        """Stay for so many seconds from now although nobody is connected, unless a config is open; 0: no longer than without."""
        with self._state:
            self._kept_until = self._clock() + seconds
            self._state.notify_all()

    def asked(self) -> None:
        """Somebody has asked for something."""
        self._asked = self._clock()

    def hold(self, opened: Opened, visit: Visit) -> None:
        """Hold this config from now on; whoever brought or changed it is authorized anew."""
        with self._state:
            self._opened = opened
            self._needed = self._clock()
            visit.authorized_until = self._needed + opened.config.policy.unlock_for
            self._state.notify_all()
        self._on_change(self)

    def covers(self, visit: Visit) -> bool:
        """Whether this connection may work with the config now, by its own passphrase or by the window of its user."""
        now, window = self._clock(), self._window
        in_window = window is not None and visit.uid in (window.uid, 0) and now < window.deadline
        return self._opened is not None and (in_window or now < visit.authorized_until)

    def until(self, visit: Visit) -> str:
        """Until when this connection may work with the config, RFC 3339 in UTC."""
        in_window = self._window is not None and visit.uid in (self._window.uid, 0)
        deadline = max(visit.authorized_until, self._window.deadline if self._window and in_window else 0.0)
        until = datetime.now(UTC) + timedelta(seconds=max(0.0, deadline - self._clock()))
        return until.strftime("%Y-%m-%dT%H:%M:%SZ")

    def unlock(self, uid: int, seconds: int) -> Window:
        """Open the window for `uid` for so many seconds from now; it takes the place of an earlier one."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        window = Window(uid, self._clock() + seconds, until.strftime("%Y-%m-%dT%H:%M:%SZ"))
        with self._state:
            self._window = window
            self._state.notify_all()
        self._on_change(self)
        return window

    def revoke_others(self, visit: Visit) -> None:
        """Nobody but this connection and its user's window is authorized any more: the passphrase they gave is an old one."""
        with self._state:
            for other in self._visits - {visit}:
                other.authorized_until = 0.0
            if self._window is not None and self._window.uid != visit.uid:
                self._window = None
            self._state.notify_all()
        self._on_change(self)

    def close(self, uid: int | None = None) -> bool:
        """Take back the authority that this user has, or everybody; gives whether nobody has any now. Then the process ends at once."""
        with self._state:
            for visit in self._visits:
                visit.authorized_until = 0.0 if uid in (None, visit.uid) else visit.authorized_until
            if self._window is not None and uid in (None, self._window.uid):
                self._window = None
            closed = uid is None or not self._somebody_works()
            if closed:
                self._working_since = None
                self._needed = self._clock() - GRACE
            self._state.notify_all()
        self._on_change(self)
        return closed

    def _somebody_works(self) -> bool:
        return self._working_since is not None or self._clock() < self._authorized_until()

    @contextlib.contextmanager
    def attempt(self, uid: int) -> Iterator[None]:
        """While a passphrase is tried: one at a time for all users together, the owner's first."""
        with self._turns.turn(uid):
            begun = self._clock()
            self._attempts.append(begun)
            try:
                yield
            finally:
                with self._state:
                    self._attempts.remove(begun)
                    self._state.notify_all()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """One opening or change at a time: the second change then sees a new serial and says so."""
        with self._changing:
            yield

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """While inside (and `exclusive`), the keeper does not end: what has begun is finished first."""
        with self._state:
            self._saving_since = self._clock()
        try:
            yield
        finally:
            with self._state:
                self._saving_since = None
                self._needed = self._clock()
                self._state.notify_all()

    def end_when_over(self, end: Callable[[int], object] = os._exit) -> None:
        """Wait until nobody is authorized or connected any more, then end the process at once."""
        with self._state:
            while (left := self.seconds_left()) > 0:
                self._state.wait(min(left, _LOOK_AGAIN))
            end(0)

    def make_way(self) -> None:
        """End now, not at the end of the grace, if the open config is nobody's any more: what begins now would end with it.

        Whoever has asked finds the connection closed, and asks the next keeper.
        """
        with self._state:
            if self._opened is None or self._somebody_works() or self._saving_since is not None:
                return
            self._needed = self._clock() - GRACE
            self._state.notify_all()
            self._state.wait(GRACE)

    def seconds_left(self) -> float:
        """How long the keeper stays if nothing happens; 0 or less when it is over."""
        needed = self._seconds_needed()
        if self._working_since is not None:
            needed = max(needed, self._working_since + LONGEST_WORK - self._clock())
        return needed if self._opened is not None else max(needed, self._kept_until - self._clock())

    def _authorized_until(self) -> float:
        deadline = self._window.deadline if self._window is not None else 0.0
        return max([deadline, *(visit.authorized_until for visit in self._visits)])

    def _seconds_needed(self) -> float:
        now = self._clock()
        if self._saving_since is not None:
            return self._saving_since + LONGEST_SAVE - now
        authorized_until = self._authorized_until()
        if self._opened is not None and now < authorized_until:
            return authorized_until - now
        if self._opened is None and self._visits:
            return self._asked + UNASKED - now
        if any(begun < self._needed + GRACE for begun in self._attempts):
            return _LOOK_AGAIN
        return self._needed + GRACE - now
