"""The payload of a LUKS2 container, encrypted and decrypted in memory: AES-XTS with the tweak "plain64".

Source: LUKS2 specification 1.1 and the kernel's dm-crypt documentation. Each encrypted sector is one XTS unit; its tweak is the number
of its first 512-byte sector, counted from the segment's start (no `iv_large_sectors`), little-endian in 16 bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from paraduxd.effects.process import run
from paraduxd.effects.vault.ext4_image import Image
from paraduxd.effects.vault.luks import Segment

_TWEAK_UNIT = 512
_ROOM = 15
"""Bytes behind what it writes that `update_into` asks for, up to cryptography 42."""

LARGEST = 256 * 1024 * 1024
"""Bytes of a payload; a config has at most 8 MiB."""


@contextmanager
def opened(path: Path, segment: Segment, key: bytes) -> Iterator[Image]:
    """The payload in clear, as a file in memory."""
    with run.sealed_file(read(path, segment, key)) as (descriptor, image):
        yield Image(image, (descriptor,))


def read(path: Path, segment: Segment, key: bytes) -> bytearray:
    """The whole payload in clear."""
    with path.open("rb") as file:
        file.seek(segment.offset)
        return _crypt(file.read(LARGEST), segment, key, encrypt=False)


def write(path: Path, segment: Segment, key: bytes, image: bytes) -> None:
    """Replace the payload; `image` fills it exactly."""
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) - segment.offset != len(image):
            raise ValueError("the image does not fit the container")
        file.seek(segment.offset)
        file.write(_crypt(image, segment, key, encrypt=True))


def _crypt(data: bytes, segment: Segment, key: bytes, *, encrypt: bool) -> bytearray:
    """What is left over after the last whole sector is left out."""
    aes, size = algorithms.AES(key), segment.sector_size
    whole = len(data) - len(data) % size
    made = bytearray(whole + _ROOM)
    with memoryview(data) as given, memoryview(made) as taken:
        for start in range(0, whole, size):
            tweak = segment.first_tweak + start // _TWEAK_UNIT
            unit = Cipher(aes, modes.XTS(tweak.to_bytes(16, "little")))
            context = unit.encryptor() if encrypt else unit.decryptor()
            context.update_into(given[start : start + size], taken[start : start + size + _ROOM])
            context.finalize()
    del made[whole:]
    return made
