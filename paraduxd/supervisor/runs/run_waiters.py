"""Who waits for the end of a run: so many per user, because a connection that waits makes no room for another."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

MAX_PER_USER = 4
"""A quarter of the connections that a user may have (`effects/ipc/connection_limits.py`)."""


class RunWaiters:
    """Counts the calls that wait, by user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[int] = Counter()

    @contextlib.contextmanager
    def one_more(self, uid: int) -> Iterator[bool]:
        """Whether this user may wait; while the context lasts, it counts."""
        with self._lock:
            admitted = self._waiting[uid] < MAX_PER_USER
            self._waiting[uid] += admitted
        try:
            yield admitted
        finally:
            with self._lock:
                self._waiting[uid] -= admitted
                self._waiting += Counter()  # forgets who does not wait any more
