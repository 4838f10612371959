"""Bounds of what is read: whoever can write at a place, runs its server or has a worker in his hands may send anything, without an end.

Bytes pass one of the readers here before they are parsed, JSON then `api/bounded_json.py`, times `core/primitives/timestamps.py`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paraduxd.api.errors import ParaduxError, TransientError

MOST_ENTRIES = 250_000
"""Entries of a listing: the volumes of many terabytes."""

LONGEST_LISTING = 64 * 1024 * 1024
"""Bytes of a listing."""

LARGEST_NUMBER = 1 << 63
"""No size reaches this one."""

LONGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file of our own."""

LONGEST_OUTPUT = 16 * 1024 * 1024
"""Bytes that a program may tell, unless somebody expects more."""

LONGEST_LINE = 256 * 1024
"""Bytes of a line of a program's: a path may have 4096, each of which may be written as six."""

_LONGEST_COMPLAINT = 1024 * 1024
_PIECE = 64 * 1024


@dataclass
class Patience:
    """Seconds: for one answer of a server, for a whole listing, and in which at least `least` bytes of a file must have come."""

    answer: float = 120.0
    listing: float = 1800.0
    window: float = 600.0
    least: int = 64 * 1024


patience = Patience()
"""With servers that send a byte now and then: each one keeps a connection from being called idle."""


class Listing:
    """Counts a listing while it comes; raises `ParaduxError` "too-large" as soon as it is longer than any of ours, and `TransientError`
    "too-slow"."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._entries = self._bytes = 0
        self._deadline = time.monotonic() + patience.listing

    def count(self, size: int) -> None:
        """One more entry, of so many bytes (or characters)."""
        self._entries += 1
        self._bytes += size
        if self._entries > MOST_ENTRIES or self._bytes > LONGEST_LISTING:
            raise too_large(f"the list of what lies at {self._where}")
        if time.monotonic() > self._deadline:
            raise too_slow(self._where)


class Pace:
    """Sees that a file that is fetched comes at all; raises `TransientError` "too-slow"."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._begin()

    def _begin(self) -> None:
        self._left, self._deadline = patience.least, time.monotonic() + patience.window

    def moved(self, size: int) -> None:
        """So many bytes more."""
        self._left -= size
        if self._left <= 0:
            self._begin()
        elif time.monotonic() > self._deadline:
            raise too_slow(self._where)


def too_slow(where: str) -> TransientError:
    """The error for a server that does not stop sending, and sends next to nothing."""
    return TransientError(
        "too-slow", f"{where} sends too slowly to wait for it", "check that server and the connection to it"
    )


@contextlib.contextmanager
def hanging_up(connection: socket.socket, seconds: float | None = None) -> Iterator[None]:
    """Ends a connection when what is done with it takes longer (`None`: than one answer), whatever comes meanwhile."""
    same = socket.socket(fileno=os.dup(connection.fileno()))  # the connection itself may be wrapped meanwhile
    timer = threading.Timer(seconds or patience.answer, hang_up, [same])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        same.close()


def hang_up(connection: socket.socket) -> None:
    """End it; it may have ended."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def too_large(what: str) -> ParaduxError:
    """The error for something that does not end, or not soon enough."""
    return ParaduxError(
        "too-large",
        f"{what} is longer than one of Paradux can be",
        "see who can write there, or give a place of its own",
    )


def size(text: object) -> int:
    """A size in bytes as a server told it; raises `ValueError` for what is none."""
    number = int(str(text))
    if not 0 <= number < LARGEST_NUMBER:
        raise ValueError("no size")
    return number


def content(path: Path, most: int = LONGEST_FILE) -> bytes:
    """A regular file; raises `OSError`: EFBIG when it is longer than `most` bytes, EINVAL when it is something else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, "it is too long")
    return found


def content_or_nothing(path: Path) -> bytes:
    """The content of a file that an earlier version may not have written; empty then."""
    try:
        return content(path)
    except FileNotFoundError:
        return b""


def text(path: Path, most: int = LONGEST_FILE) -> str:
    """Likewise, of UTF-8; raises `ValueError` besides."""
    return content(path, most).decode()


def lines(stream: IO[bytes], longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """The lines of a pipe as they come, with their ends; of one that is longer only the beginning, without an end."""
    while line := stream.readline(longest):
        yield line
        while not line.endswith(b"\n") and (line := stream.readline(_PIECE)):
            continue


def output(
    process: subprocess.Popen[bytes], most: int, timeout: float, data: bytes | None = None
) -> tuple[bytes, bytes] | None:
    """What a program writes until it closes both of its outputs, of the errors the end; `None` as soon as the output is longer than `most`.

    `data` goes to its input. An output that is no pipe tells nothing. Raises `subprocess.TimeoutExpired`.
    """
    written, errors, deadline = bytearray(), bytearray(), time.monotonic() + timeout
    with selectors.DefaultSelector() as ready:
        for pipe, kept in ((process.stdout, written), (process.stderr, errors)):
            if pipe is not None:
                ready.register(pipe, selectors.EVENT_READ, kept)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            ready.register(process.stdin, selectors.EVENT_WRITE, memoryview(data or b""))
        while ready.get_map():
            for key, _ in ready.select(_left(deadline, process)):
                _take(ready, key) if key.events & selectors.EVENT_READ else _give(ready, key)
            del errors[:-_LONGEST_COMPLAINT]
            if len(written) > most:
                return None
    process.wait(_left(deadline, process))
    return bytes(written), bytes(errors)


def _take(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Add what is there, until the end."""
    piece = os.read(key.fd, _PIECE)
    key.data.extend(piece)
    if not piece:
        ready.unregister(key.fileobj)


def _give(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Write what fits; close the input at the end, or when nobody reads any more."""
    rest = key.data
    with contextlib.suppress(BrokenPipeError, BlockingIOError):
        rest = rest[os.write(key.fd, rest[:_PIECE]) if rest else 0 :]
        if rest:
            ready.modify(key.fileobj, selectors.EVENT_WRITE, rest)
            return
    ready.unregister(key.fileobj)
    with contextlib.suppress(OSError):
        key.fileobj.close()  # type: ignore[union-attr]  # it is a pipe


def _left(deadline: float, process: subprocess.Popen[bytes]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(process.args, 0)
    return left
