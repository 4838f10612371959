"""Accepting connections for as long as a daemon lives: no shortage of descriptors, memory or threads ends it, because all of them pass."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable

log = logging.getLogger("paradux.accepting")

PAUSE = 0.2
"""Seconds after which it is tried again; a loop that spins takes what somebody else may be about to give back."""

COMPLAIN_EVERY = 60.0


def serve(
    listener: socket.socket,
    take: Callable[[socket.socket], None],
    is_over: Callable[[], bool],
    make_room: Callable[[], None] = lambda: time.sleep(PAUSE),
) -> None:
    """Give every connection to `take`, until `is_over`; one that it fails with is closed. After a failure
    `make_room` waits for a moment, and may give something back.
    """
    complained = -COMPLAIN_EVERY
    while not is_over():
        connection: socket.socket | None = None
        try:
            connection, _ = listener.accept()
            take(connection)
        except Exception as problem:
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.close()
            if is_over():
                return
            if time.monotonic() - complained >= COMPLAIN_EVERY:
                complained = time.monotonic()
                log.warning("Cannot accept a connection now, and goes on trying: %s", problem)
            make_room()
