"""Who is authorized, until when, and the open config. When the authorized time is over the process ends: that is the lock."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from paraduxd.core.config import Config
from paraduxd.effects.vault import OpenVault
from paraduxd.keeper.making import Json

GRACE = 1.0
"""Seconds that a keeper without connections and without a window stays, so that the next command finds it."""

UNAUTHORIZED = 300.0
"""Seconds that a keeper lives in which nobody has given the passphrase."""


@dataclass(frozen=True)
class Opened:
    """The open vault: handle, checked config, the document as plain JSON and as the owner sees it, and the passphrase."""

    vault: OpenVault
    config: Config
    document: Json
    text: str
    passphrase: bytes


@dataclass(frozen=True)
class Window:
    """The time for which `unlock` opened the vault: for one uid, until a monotonic and a wall-clock moment."""

    uid: int
    deadline: float
    until: str


class Session:
    """The keeper's state, shared by the threads of its connections."""

    def __init__(self, on_change: Callable[[Session], None]) -> None:
        self._on_change = on_change
        self._state = threading.Condition(threading.RLock())
        self._busy = 0
        self._connections = 0
        self._idle_since = time.monotonic()
        self._started = time.monotonic()
        self._authorized_at: float | None = None
        self._opened: Opened | None = None
        self._window: Window | None = None

    @property
    def opened(self) -> Opened | None:
        """The open config, or `None` while nobody has authorized."""
        return self._opened

    @property
    def window(self) -> Window | None:
        """The window that `unlock` opened."""
        return self._window

    def open(self, opened: Opened) -> None:
        """Hold this config from now on."""
        with self._state:
            self._opened = opened
            self._authorized_at = time.monotonic()
            self._state.notify_all()
        self._on_change(self)

    def unlock(self, uid: int, seconds: int) -> Window:
        """Open the window for `uid` for so many seconds from now."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        window = Window(uid, time.monotonic() + seconds, until.strftime("%Y-%m-%dT%H:%M:%SZ"))
        with self._state:
            self._window = window
            self._state.notify_all()
        self._on_change(self)
        return window

    def window_covers(self, uid: int) -> bool:
        """Whether this user may work without giving the passphrase again."""
        window = self._window
        return window is not None and uid in (window.uid, 0) and time.monotonic() < window.deadline

    @contextlib.contextmanager
    def connection(self) -> Iterator[None]:
        """Count a connection for as long as it lasts."""
        with self._state:
            self._connections += 1
        try:
            yield
        finally:
            with self._state:
                self._connections -= 1
                self._idle_since = time.monotonic()
                self._state.notify_all()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While inside, the keeper does not end: a save in progress is finished first."""
        with self._state:
            self._busy += 1
        try:
            yield
        finally:
            with self._state:
                self._busy -= 1
                self._state.notify_all()

    def end_when_over(self) -> None:
        """Wait until nobody is authorized or connected any more, then end the process at once."""
        with self._state:
            while (left := self._seconds_left()) > 0:
                self._state.wait(min(left, 5.0))
            os._exit(0)

    def _seconds_left(self) -> float:
        now = time.monotonic()
        if self._busy:
            return 0.2
        if self._window is not None and now < self._window.deadline:
            return self._window.deadline - now
        if not self._connections:
            return self._idle_since + GRACE - now
        if self._opened is None or self._authorized_at is None:
            return self._started + UNAUTHORIZED - now
        return self._authorized_at + self._opened.config.policy.unlock_for - now
