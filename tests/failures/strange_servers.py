"""Servers on loopback that are none: they send garbage, or nothing, or hang up."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

GARBAGE = {
    "noise": bytes(range(256)) * 16,
    "a long line": b"220 " + b"x" * 70_000 + b"\r\n",
    "a web page": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "nothing": b"",
}


@contextlib.contextmanager
def saying(words: bytes) -> Iterator[int]:
    """The port of a server that sends this to whoever connects, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError), connection:
                        connection.sendall(words)
                        connection.shutdown(socket.SHUT_WR)
                        connection.settimeout(1)
                        while connection.recv(65536):
                            pass

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
