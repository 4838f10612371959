"""Bounds of what is taken from a place: whoever can write there, or runs the server, may send anything, and without an end."""

from __future__ import annotations

import os
import selectors
import subprocess
import time

from paraduxd.api.errors import ParaduxError

MOST_ENTRIES = 250_000
"""Entries of a listing: the volumes of many terabytes."""

LONGEST_LISTING = 64 * 1024 * 1024
"""Bytes of a listing."""

LARGEST_NUMBER = 1 << 63
"""No size reaches this one."""

_LONGEST_COMPLAINT = 1024 * 1024
_PIECE = 64 * 1024


class Listing:
    """Counts a listing while it comes; raises `ParaduxError` "too-large" as soon as it is longer than any of ours."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._entries = self._bytes = 0

    def count(self, size: int) -> None:
        """One more entry, of so many bytes (or characters)."""
        self._entries += 1
        self._bytes += size
        if self._entries > MOST_ENTRIES or self._bytes > LONGEST_LISTING:
            raise too_large(f"the list of what lies at {self._where}")


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


def output(process: subprocess.Popen[bytes], most: int, timeout: float) -> tuple[bytes, bytes] | None:
    """What a program writes until it closes both of its outputs, of the errors the end; `None` as soon as the output is longer than `most`.

    Raises `subprocess.TimeoutExpired`.
    """
    assert process.stdout and process.stderr  # noqa: S101  (both are pipes)
    written, errors, deadline = bytearray(), bytearray(), time.monotonic() + timeout
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, written)
        ready.register(process.stderr, selectors.EVENT_READ, errors)
        while ready.get_map():
            for key, _ in ready.select(_left(deadline, process)):
                if not _take(key):
                    ready.unregister(key.fileobj)
            del errors[:-_LONGEST_COMPLAINT]
            if len(written) > most:
                return None
    process.wait(_left(deadline, process))
    return bytes(written), bytes(errors)


def _take(key: selectors.SelectorKey) -> bool:
    """Add what is there; `False` at the end."""
    piece = os.read(key.fd, _PIECE)
    key.data.extend(piece)
    return bool(piece)


def _left(deadline: float, process: subprocess.Popen[bytes]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(process.args, 0)
    return left
