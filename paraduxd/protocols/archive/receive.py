"""Getting objects back: nothing of an object is used before all of it has the size and the SHA-256 that the signed manifest says."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.crypto.archive_crypto import Opener
from paraduxd.effects.files.reused_memory import ReusedMemory
from paraduxd.effects.tools import tar
from paraduxd.protocols.archive.chain import Manifest, Part
from paraduxd.protocols.archive.manifests import damaged
from paraduxd.protocols.archive.send import write_all
from paraduxd.protocols.base import BlobStore

_NAME = "paradux-volume"

OnBytes = Callable[[int], None]


@dataclass
class Receiver:
    """Reads objects of one store; `on_bytes` hears of every piece."""

    store: BlobStore
    on_bytes: OnBytes = lambda _: None

    def check(self, part: Part) -> None:
        """Read an object to its end and compare; raises `ParaduxError` "damaged"."""
        with contextlib.closing(self._pieces(part)) as pieces:
            for _ in pieces:
                pass

    @contextlib.contextmanager
    def fetched(self, part: Part) -> Iterator[int]:
        """An object as a file in memory, checked."""
        with contextlib.closing(ReusedMemory(_NAME)) as memory:
            yield self._fetch(part, memory)

    def each(self, parts: Sequence[Part]) -> Generator[int, None, None]:
        """Objects as files in memory, in order, checked; while one is used the next is fetched."""
        with contextlib.closing(ReusedMemory(_NAME)) as memory, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(self._fetch, parts[0], memory) if parts else None
            for following in (*parts[1:], None):
                assert waiting is not None  # noqa: S101  (there is one for each part)
                descriptor = waiting.result()
                waiting = pool.submit(self._fetch, following, memory) if following else None
                yield descriptor
                memory.give_back(descriptor)

    def _fetch(self, part: Part, memory: ReusedMemory) -> int:
        with memory.filling() as descriptor:
            for piece in self._pieces(part):
                write_all(descriptor, piece)
        return descriptor

    def _pieces(self, part: Part) -> Generator[bytes, None, None]:
        digest, size = hashlib.sha256(), 0
        try:
            for piece in self.store.get(part.name):
                digest.update(piece)
                size += len(piece)
                if size > part.size:
                    break
                self.on_bytes(len(piece))
                yield piece
        except ParaduxError as problem:
            raise damaged(f"{part.name} is missing") if problem.code == "not-found" else problem from None
        if size != part.size:
            raise damaged(f"{part.name} is {'longer' if size > part.size else 'shorter'} than it was")
        if digest.hexdigest() != part.sha256:
            raise damaged(f"{part.name} is not what was put there")


def unpack(manifest: Manifest, unpacking: tar.Unpacking, receiver: Receiver, opener: Opener) -> None:
    """Unpack one run."""
    with contextlib.closing(receiver.each(manifest.volumes)) as volumes:
        for volume in volumes:
            try:
                opener.decrypt(volume, unpacking.descriptor)
            except ParaduxError:
                if unpacking.has_given_up():
                    unpacking.finish()  # its reason is the better one
                raise
    unpacking.finish()


def read_names(part: Part, receiver: Receiver, opener: Opener) -> bytes:
    """The names of all files of a run, as `archive_names` writes them."""
    names = os.memfd_create("paradux-names", os.MFD_CLOEXEC)
    try:
        with receiver.fetched(part) as sealed, tar.decompressed(names) as descriptor:
            opener.decrypt(sealed, descriptor)
        return os.pread(names, os.fstat(names).st_size, 0)
    finally:
        os.close(names)


def try_to_open(manifest: Manifest, receiver: Receiver, opener: Opener) -> None:
    """Read, decrypt and decompress everything of one run, and keep nothing of it."""
    read_names(manifest.names, receiver, opener)
    with tar.decompressed(None) as descriptor, contextlib.closing(receiver.each(manifest.volumes)) as volumes:
        for volume in volumes:
            opener.decrypt(volume, descriptor)
