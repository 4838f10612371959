"""Sending one run: the stream is cut into volumes, each is encrypted and put while the next one is read.

At most two volumes are in memory, none is on the disk. A volume is tried again when the connection is lost; what an interrupted run
has sent is not sent again as long as the stream is the same.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import sleep
from typing import IO

from paraduxd.api.errors import TransientError
from paraduxd.effects.crypto.archive_crypto import Sealer
from paraduxd.effects.crypto.volume_mac import VolumeMac
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Part
from paraduxd.protocols.archive.local_state import Index, Sent, Upload
from paraduxd.protocols.base import BlobStore

VOLUME = 32 * 1024 * 1024
"""Bytes of a volume before encryption."""

PAUSES = (1.0, 4.0, 15.0)
"""Seconds before a lost volume is sent again."""

_LOST = frozenset({"connection-lost", "unreachable", "timeout"})
_PIECE = 1 << 20


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

    def send_all(self, chunks: Iterator[Chunk]) -> tuple[Part, ...]:
        """All volumes, in order. While one is on its way the next chunk is made."""
        self.index.start_upload(self.upload)
        parts: list[Part] = []
        under_way: Future[Part] | None = None
        with ThreadPoolExecutor(1) as pool:
            for number, chunk in enumerate(chunks, 1):
                if under_way is not None:
                    parts.append(_result(under_way, chunk))
                under_way = pool.submit(self._send, chain.volume_name(self.upload.run, number), chunk)
            if under_way is not None:
                parts.append(under_way.result())
        return tuple(parts)

    def _send(self, name: str, chunk: Chunk) -> Part:
        earlier = self.upload.sent.get(name)
        try:
            if earlier and earlier.mac == chunk.mac and self.had.get(name) == earlier.part.size:
                return earlier.part
            part = self.put(name, chunk.descriptor)
        finally:
            os.close(chunk.descriptor)
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
            self.added_bytes += data.size
            return Part(name, data.size, data.sha256)


def _result(under_way: Future[Part], chunk: Chunk) -> Part:
    try:
        return under_way.result()
    except BaseException:
        os.close(chunk.descriptor)
        raise


def cut(stream: IO[bytes], size: int, key: str, on_piece: Callable[[int], None]) -> Iterator[Chunk]:
    """The stream in chunks of `size` bytes, the last one shorter, which the receiver closes; `on_piece` is told the bytes so far.

    `key`: of the upload, for the codes of its volumes.
    """
    total = 0
    for number in itertools.count(1):
        descriptor, length, mac = os.memfd_create("paradux-volume", os.MFD_CLOEXEC), 0, VolumeMac(key, number)
        try:
            while length < size and (piece := stream.read(min(_PIECE, size - length))):
                write_all(descriptor, piece)
                mac.update(piece)
                length += len(piece)
                total += len(piece)
                on_piece(total)
        except BaseException:
            os.close(descriptor)
            raise
        if not length:
            os.close(descriptor)
            return
        yield Chunk(descriptor, mac.hexdigest())


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
