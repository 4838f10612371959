"""How many connections there may be, and which one makes room for a new one.

Root and the daemon's own user have places of their own, so that nobody can lock the owner out. A connection that waits for its
client makes room when a newcomer finds no place, the longest waiting first; one whose call is being answered never does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from paraduxd.effects.ipc.unix_sockets import Peer

MAX_OWNER = 16
MAX_OTHERS = 48
MAX_PER_USER = 16

MAX_LEAVING = 16
"""Dismissed connections whose threads have yet to close them; a flood must not use up the daemon's descriptors with those."""

_BREATH = 0.05
_PATIENCE = 1.0


@dataclass(eq=False)
class LimitedConnection:
    """One connection; `waiting_since` is monotonic seconds, or None while its call is being answered."""

    connection: socket.socket
    peer: Peer
    waiting_since: float | None = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """While a call is being answered."""
        self.waiting_since = None
        try:
            yield
        finally:
            self.waiting_since = time.monotonic()


class ConnectionLimiter:
    """Everybody who is in."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._guests: set[LimitedConnection] = set()
        self._leaving: set[LimitedConnection] = set()

    def enter(self, guest: LimitedConnection) -> bool:
        """Let a connection in, at the cost of one that only waits if need be; False when there is no room."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._leaving) < MAX_LEAVING, _PATIENCE)
            crowd = self._crowd(guest.peer.uid)
            if crowd and not self._dismiss_one(crowd):
                return False
            self._guests.add(guest)
            return True

    def leave(self, guest: LimitedConnection) -> None:
        """Close a connection."""
        with self._changed:
            self._guests.discard(guest)
            self._leaving.discard(guest)
            guest.connection.close()
            self._changed.notify_all()

    def make_room(self) -> None:
        """Free a descriptor: dismiss one that only waits, and give whoever leaves a moment to do so."""
        with self._changed:
            self._dismiss_one(self._guests)
            self._changed.wait(_BREATH)

    def dismiss_all(self) -> None:
        """End every connection."""
        with self._changed:
            for guest in list(self._guests):
                self._dismiss(guest)

    def _crowd(self, uid: int) -> set[LimitedConnection]:
        """Those of whom one must go before this user can come in: his own, or those of whoever has most; empty when there is room."""
        own = {guest for guest in self._guests if guest.peer.uid == uid}
        if len(own) >= (MAX_OWNER if _is_owner(uid) else MAX_PER_USER):
            return own
        others = {guest for guest in self._guests if not _is_owner(guest.peer.uid)}
        if _is_owner(uid) or len(others) < MAX_OTHERS:
            return set()
        [(greediest, _)] = Counter(guest.peer.uid for guest in others).most_common(1)
        return {guest for guest in others if guest.peer.uid == greediest}

    def _dismiss_one(self, crowd: set[LimitedConnection]) -> bool:
        waiting = [(guest.waiting_since, id(guest), guest) for guest in crowd if guest.waiting_since is not None]
        if not waiting:
            return False
        self._dismiss(min(waiting)[2])
        return True

    def _dismiss(self, guest: LimitedConnection) -> None:
        """Wake the guest's thread with the end of its connection; the thread closes it."""
        self._guests.discard(guest)
        self._leaving.add(guest)
        with contextlib.suppress(OSError):
            guest.connection.shutdown(socket.SHUT_RDWR)


def _is_owner(uid: int) -> bool:
    return uid in (0, os.geteuid())
