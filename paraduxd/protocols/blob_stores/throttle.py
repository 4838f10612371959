"""A blob store that is used no faster than the owner allows, whatever protocol it speaks."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from paraduxd.protocols.base import Blob, BlobStore

_PIECES_A_SECOND = 4
"""So that no server waits for long and takes the connection for dead."""


class Pace:
    """Waits as long as a rate in bytes per second demands. Pauses are not made up for: there are no bursts."""

    def __init__(
        self, rate: int, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.piece = max(1, rate // _PIECES_A_SECOND)
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free = clock()

    def passed(self, count: int) -> None:
        """So many bytes went through: wait until that was long enough ago."""
        now = self._clock()
        self._free = max(now, self._free) + count / self._rate
        self._sleep(self._free - now)


class ThrottledReader(io.RawIOBase):
    """A stream that gives its bytes at a pace, in small pieces."""

    def __init__(self, data: BinaryIO, pace: Pace) -> None:
        self._data = data
        self._pace = pace

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        view = memoryview(buffer).cast("B")
        piece = self._data.read(min(len(view), self._pace.piece))
        view[: len(piece)] = piece
        self._pace.passed(len(piece))
        return len(piece)


class ThrottledBlobs(BlobStore):
    """Passes everything on to a store, contents at a pace."""

    def __init__(self, store: BlobStore, pace: Pace) -> None:
        self._store = store
        self._pace = pace

    def put(self, name: str, data: BinaryIO) -> None:
        """See `BlobStore.put`."""
        self._store.put(name, cast(BinaryIO, ThrottledReader(data, self._pace)))

    def get(self, name: str) -> Iterator[bytes]:
        """See `BlobStore.get`."""
        for piece in self._store.get(name):
            for start in range(0, len(piece), self._pace.piece):
                part = piece[start : start + self._pace.piece]
                self._pace.passed(len(part))
                yield part

    def list(self) -> tuple[Blob, ...]:
        """See `BlobStore.list`."""
        return self._store.list()

    def delete(self, name: str) -> None:
        """See `BlobStore.delete`."""
        self._store.delete(name)

    def sweep(self) -> None:
        """See `BlobStore.sweep`."""
        self._store.sweep()


def throttled(store: BlobStore, bandwidth: int | None) -> BlobStore:
    """The store, at most at so many bytes per second (`None`: at any rate)."""
    return store if bandwidth is None else ThrottledBlobs(store, Pace(bandwidth))
