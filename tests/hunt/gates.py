"""A door in front of a server on loopback: it lets everything through, makes whoever comes wait, or cuts what is under way."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Gate:
    """Passes connections on to `target`; `port` is where it listens."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = threading.Event()
        self._open.set()
        self._waiting = threading.Event()
        self._cut_after: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Whoever comes waits while the context lasts; the event says that somebody does."""
        self._waiting.clear()
        self._open.clear()
        try:
            yield self._waiting
        finally:
            self._open.set()

    @contextlib.contextmanager
    def cutting(self, after: int) -> Iterator[None]:
        """Every connection ends after so many bytes towards the server."""
        self._cut_after = after
        try:
            yield
        finally:
            self._cut_after = None

    @contextlib.contextmanager
    def leading_to(self, target: int) -> Iterator[None]:
        """Another server stands there for a while."""
        before, self.target = self.target, target
        try:
            yield
        finally:
            self.target = before

    def close(self) -> None:
        """Refuse what comes."""
        self._open.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        if not self._open.is_set():
            self._waiting.set()
            self._open.wait()
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=self._pass_on, args=(far, near, None), daemon=True)
            back.start()
            self._pass_on(near, far, self._cut_after)
            back.join()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(65536 if left is None else min(left, 65536)):
                other.sendall(piece)
                left = None if left is None else left - len(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR if left == 0 else socket.SHUT_WR if end is other else socket.SHUT_RD)
