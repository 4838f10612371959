"""The payload of a LUKS2 container, encrypted and decrypted in memory: AES-XTS with the tweak "plain64".

Source: LUKS2 specification 1.1 and the kernel's dm-crypt documentation. Each encrypted sector is one XTS unit; its tweak is the number
of its first 512-byte sector, counted from the segment's start (no `iv_large_sectors`), little-endian in 16 bytes.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from paraduxd.effects.vault.luks import Segment

_TWEAK_UNIT = 512

LARGEST = 256 * 1024 * 1024
"""Bytes of a payload; a config has at most 8 MiB."""


def read(path: Path, segment: Segment, key: bytes) -> bytes:
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


def _crypt(data: bytes, segment: Segment, key: bytes, *, encrypt: bool) -> bytes:
    size = segment.sector_size
    whole = len(data) - len(data) % size
    step = size // _TWEAK_UNIT
    return b"".join(
        _unit(data[start : start + size], key, segment.first_tweak + start // size * step, encrypt=encrypt)
        for start in range(0, whole, size)
    )


def _unit(data: bytes, key: bytes, tweak: int, *, encrypt: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.XTS(tweak.to_bytes(16, "little")))
    context = cipher.encryptor() if encrypt else cipher.decryptor()
    return context.update(data) + context.finalize()
