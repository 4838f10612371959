"""Tells whether a volume is the one that an interrupted upload has sent: GMAC (NIST SP 800-38D), ten times as fast as SHA-256.

Key and codes stay in a private directory of the machine that pushes; what is proven to others goes by SHA-256.
"""

from __future__ import annotations

import re
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_KEY, _NONCE = 16, 12
"""Bytes."""


def new_key() -> str:
    """A key for the volumes of one upload: hexadecimal digits."""
    return secrets.token_hex(_KEY)


def is_key(text: object) -> bool:
    """Whether this is one."""
    return isinstance(text, str) and re.fullmatch(rf"[0-9a-f]{{{2 * _KEY}}}", text) is not None


class VolumeMac:
    """Of the volume `number` of an upload whose key this is. Volumes of one number that differ are told apart; nobody else sees a code."""

    def __init__(self, key: str, number: int) -> None:
        cipher = Cipher(algorithms.AES(bytes.fromhex(key)), modes.GCM(number.to_bytes(_NONCE)))
        self._gcm = cipher.encryptor()

    def update(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        self._gcm.authenticate_additional_data(data)

    def hexdigest(self) -> str:
        """The code, at the end."""
        self._gcm.finalize()
        return self._gcm.tag.hex()
