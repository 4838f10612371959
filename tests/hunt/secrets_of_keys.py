"""What of a private key is secret: its binary form without all that its public half tells, too."""

from __future__ import annotations

import base64
import re
import subprocess

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

_RUN = 16


def ed25519_seed(text: str) -> bytes:
    """The 32 secret bytes of a private key, in OpenSSH's or PKCS 8's form."""
    load = load_ssh_private_key if "OPENSSH" in text else load_pem_private_key
    key = load(text.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def openpgp_secret(private: str, public: str) -> tuple[bytes, ...]:
    """The runs of bytes of an armored private key that its public half has not."""
    known, whole = dearmor(public), dearmor(private)
    ours = [whole[start : start + _RUN] not in known for start in range(len(whole) - _RUN + 1)]
    runs: list[bytes] = []
    start = 0
    while start < len(ours):
        end = start
        while end < len(ours) and ours[end]:
            end += 1
        if end - start > 2 * _RUN:
            runs.append(whole[start + _RUN : end])
        start = end + 1
    return tuple(runs)


def dearmor(text: str) -> bytes:
    """The packets of an ASCII armor (RFC 9580, section 6.2)."""
    body = re.sub(r"-----[^-]*-----", "", text).split("\n\n", 1)[1]
    return base64.b64decode(re.sub(r"\n=[A-Za-z0-9+/]{4}\s*$", "", body.rstrip()))


def volume_key(vault: str, passphrase: str) -> bytes:
    """What stock cryptsetup says of the vault's volume key."""
    command = ["cryptsetup", "luksDump", "--dump-volume-key", "--batch-mode", "--key-file", "-", vault]
    dump = subprocess.run(command, input=passphrase.encode(), capture_output=True, check=True).stdout
    return bytes.fromhex("".join(dump.partition(b"MK dump:")[2].decode().split()))
