"""Some files of an archive that is too large to be read as a whole for a rehearsal: those at the beginning of the full run.

To restore one file of an archive, all runs that it builds on are read to their end. The first volumes alone show as well that the place
gives its objects back, that the key opens them, and that what is in them is what was pushed.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from paraduxd.effects.crypto.archive_crypto import Opener
from paraduxd.effects.tools import tar
from paraduxd.protocols.archive.chain import Manifest
from paraduxd.protocols.archive.receive import Receiver

WHOLE = 1 << 30
"""Bytes: up to this size an archive is read to its end; of a larger one, at most so much until one file is complete."""

_PIECE = 1 << 20


@dataclass
class Sample:
    """What is wanted, at most, and what of it is in `to`: regular files that are complete."""

    to: Path
    most_files: int
    most_bytes: int
    files: int = 0
    size: int = 0

    def is_enough(self, read: int) -> bool:
        """Whether to stop after so many bytes of the archive."""
        return read >= (self.most_bytes if self.files else WHOLE)

    def wants(self, member: tarfile.TarInfo) -> bool:
        """Whether this file shall be written."""
        parts = PurePosixPath(member.name).parts
        proper = member.isreg() and not member.issparse() and 0 < member.size <= WHOLE
        harmless = bool(parts) and not member.name.startswith("/") and ".." not in parts
        fits = self.files < self.most_files and self.size + member.size <= self.most_bytes
        return proper and harmless and (fits or not self.files)


def take(manifest: Manifest, sample: Sample, receiver: Receiver, opener: Opener) -> None:
    """Fill `sample` from the beginning of one run; raises `ParaduxError` "damaged" and "cannot-decrypt"."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with ThreadPoolExecutor(1) as pool, open(reading, "rb", buffering=_PIECE) as stream:  # noqa: PTH123
        unpacking = None
        try:
            with tar.decompressed(writing, whole=False) as compressed:
                os.close(writing)
                writing = -1
                unpacking = pool.submit(_unpack, stream, sample)
                _feed(manifest, sample, receiver, opener, compressed)
        finally:
            if writing >= 0:
                os.close(writing)
        unpacking.result()


def _feed(manifest: Manifest, sample: Sample, receiver: Receiver, opener: Opener, compressed: int) -> None:
    read = 0
    with contextlib.closing(receiver.each(manifest.volumes)) as volumes:
        for part, volume in zip(manifest.volumes, volumes, strict=True):
            opener.decrypt(volume, compressed)
            read += part.size
            if sample.is_enough(read):
                return


def _unpack(stream: IO[bytes], sample: Sample) -> None:
    """Files until the stream is cut off, which is no error; the stream is always read to its end, so that nobody waits."""
    with contextlib.suppress(tarfile.TarError, EOFError):
        for member, data in _members(stream):
            if sample.wants(member) and _write(sample.to / member.name, data, member.size):
                sample.files, sample.size = sample.files + 1, sample.size + member.size
    while stream.read(_PIECE):
        pass


def _members(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data is not None:
                yield member, data


def _write(path: Path, data: IO[bytes], size: int) -> bool:
    """Whether all of it came; what is not complete does not stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with path.open("xb") as file:
            while piece := data.read(_PIECE):
                file.write(piece)
                written += len(piece)
    finally:
        if written != size:
            path.unlink(missing_ok=True)
    return written == size
