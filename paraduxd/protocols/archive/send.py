"""Sending one run: the stream is cut into volumes, each is encrypted and put while the next one is read.

One volume more is in memory than are on their way, none is on the disk. A volume is tried again when the connection is lost; what an
interrupted run has sent is not sent again as long as the stream is the same.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from io import BufferedReader
from threading import Lock
from time import sleep

from paraduxd.api.errors import TransientError
from paraduxd.effects.crypto.archive_crypto import Sealer
from paraduxd.effects.crypto.volume_mac import VolumeMac
from paraduxd.effects.files.reused_memory import ReusedMemory
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Part
from paraduxd.protocols.archive.local_state import Index, Sent, Upload
from paraduxd.protocols.base import BlobStore

VOLUME = 32 * 1024 * 1024
"""Bytes of a volume before encryption."""

PAUSES = (1.0, 4.0, 15.0)
"""Seconds before a lost volume is sent again."""

MOST_AT_ONCE = 4
"""Volumes that are on their way at the same time; one more is in memory."""

_LOST = frozenset({"connection-lost", "unreachable", "timeout"})
_PIECE = 1 << 20


def at_once(store: BlobStore) -> int:
    """How many volumes to encrypt and put at the same time: one for every two cores, since tar and zstd need as much as gpg."""
    return min(MOST_AT_ONCE, max(1, len(os.sched_getaffinity(0)) // 2)) if store.puts_at_once else 1


@dataclass(frozen=True)
class Cut:
    """How to cut a stream: into volumes of `size` bytes; `on_piece` is told the bytes so far."""

    size: int
    on_piece: Callable[[int], None]


@dataclass(frozen=True)
class Chunk:
    """A volume before encryption: a file in memory, and its code (`volume_mac.py`)."""

    descriptor: int
    mac: str


@dataclass
class Sender:
    """Sends the volumes of one upload; `had` are the objects that lay at the destination before, by name, with their sizes."""

    store: BlobStore
    sealer: Sealer
    index: Index
    upload: Upload
    had: dict[str, int]
    pauses: Sequence[float] = field(default_factory=lambda: PAUSES)
    added_bytes: int = field(default=0, init=False)
    _memory: ReusedMemory = field(default_factory=lambda: ReusedMemory("paradux-volume"), init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def send_all(self, stream: BufferedReader, cut: Cut) -> tuple[Part, ...]:
        """All volumes, in order. While some are on their way the next chunk is made."""
        self.index.start_upload(self.upload)
        parts: list[Part] = []
        under_way: deque[Future[Part]] = deque()
        most = at_once(self.store)
        with closing(self._memory), ThreadPoolExecutor(most) as pool:
            for number, chunk in enumerate(self._chunks(stream, cut), 1):
                if len(under_way) == most:
                    parts.append(under_way.popleft().result())
                under_way.append(pool.submit(self._send, chain.volume_name(self.upload.run, number), chunk))
            parts += [each.result() for each in under_way]
        return tuple(parts)

    def _chunks(self, stream: BufferedReader, cut: Cut) -> Iterator[Chunk]:
        """The stream in chunks, the last one shorter; whoever sends one gives its memory back."""
        total, piece = 0, memoryview(bytearray(_PIECE))
        for number in itertools.count(1):
            length, mac = 0, VolumeMac(self.upload.key, number)
            with self._memory.filling() as descriptor:
                while length < cut.size and (count := stream.readinto(piece[: cut.size - length])):
                    write_all(descriptor, piece[:count])
                    mac.update(piece[:count])
                    length += count
                    cut.on_piece(total + length)
            total += length
            if not length:
                self._memory.give_back(descriptor)
                return
            yield Chunk(descriptor, mac.hexdigest())

    def _send(self, name: str, chunk: Chunk) -> Part:
        earlier = self.upload.sent.get(name)
        try:
            if earlier and earlier.mac == chunk.mac and self.had.get(name) == earlier.part.size:
                return earlier.part
            part = self.put(name, chunk.descriptor)
        finally:
            self._memory.give_back(chunk.descriptor)
        with self._lock:
            self.index.arrived(Sent(chunk.mac, part))
        return part

    def put(self, name: str, plain: int) -> Part:
        """Encrypt and store one object; raises the error of the store when trying again does not help."""
        for pause in self.pauses:
            try:
                return self._put(name, plain)
            except TransientError as problem:
                if problem.code not in _LOST:
                    raise
                sleep(pause)
        return self._put(name, plain)

    def _put(self, name: str, plain: int) -> Part:
        with self.sealer.encrypted(plain) as data:
            self.store.put(name, data)  # type: ignore[arg-type]  # nothing of a BinaryIO but `read` is promised to be needed
            with self._lock:
                self.added_bytes += data.size
            return Part(name, data.size, data.sha256)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
