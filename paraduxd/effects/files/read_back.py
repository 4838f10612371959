"""Reading from the disk itself what was written to it, and not from memory."""

from __future__ import annotations

import os
from hashlib import sha256

_PIECE = 1 << 20


def sha256_of(path: bytes, *, from_disk: bool = True) -> str:
    """The SHA-256 of a regular file in hexadecimal digits; a link is not followed. Raises `OSError`.

    `from_disk`: what is kept in memory of it is dropped before (what is not yet on the disk cannot be).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if from_disk:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        digest, buffer = sha256(), bytearray(min(_PIECE, os.fstat(descriptor).st_size + 1))
        while count := os.readv(descriptor, [buffer]):
            digest.update(memoryview(buffer)[:count])
        return digest.hexdigest()
    finally:
        os.close(descriptor)
