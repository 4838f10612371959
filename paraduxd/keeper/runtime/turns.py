"""Who tries a passphrase next: one at a time, whoever asks, so that nobody who guesses keeps the owner waiting."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator

from paraduxd.api.errors import ParaduxError

MOST_WAITING = 3
"""Tries of one user, other than the first ones, that may wait for their turn."""


class Turns:
    """Turns at something that takes long: the first users go before all others, and of these whoever had the last turn longest ago.

    Of all others, each has a few waiting at most: who waits keeps a connection, and those of everybody are counted.
    """

    def __init__(self, first: frozenset[int]) -> None:
        self._first = first
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._taken = False
        self._waiting: dict[int, int] = {}
        self._last: dict[int, int] = {}

    @contextlib.contextmanager
    def turn(self, uid: int) -> Iterator[None]:
        """Wait for a turn; it ends with the block. Raises `ParaduxError` "busy"."""
        number = next(self._numbers)
        with self._changed:
            if uid not in self._first and list(self._waiting.values()).count(uid) >= MOST_WAITING:
                raise ParaduxError(
                    "busy", "too many of your passphrases are being tried already", "wait for the answers"
                )
            self._waiting[number] = uid
            self._changed.wait_for(lambda: not self._taken and self._next() == number)
            del self._waiting[number]
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._last[uid] = next(self._numbers)
                self._taken = False
                self._changed.notify_all()

    def _next(self) -> int:
        return min(self._waiting, key=lambda number: self._rank(number, self._waiting[number]))

    def _rank(self, number: int, uid: int) -> tuple[bool, int, int]:
        return (uid not in self._first, self._last.get(uid, 0), number)
