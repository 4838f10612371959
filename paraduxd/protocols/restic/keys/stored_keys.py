"""The key files of a repository: which one the password opens, what is in it, and how it is put back where `keys/` was lost.

Format: restic's design document, "Keys, Encryption and MAC". A key file is JSON, its name the SHA-256 of its bytes. scrypt makes of the
password and `salt` a key that opens `data`, which is the master key; without one such file nothing opens the repository.
A copy waits in the private directory of the destination until the vault is open: the keeper takes it from there into the config.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import directories
from paraduxd.effects.files.atomic import write_atomically
from paraduxd.protocols.base import KEY_COPY, Context
from paraduxd.protocols.restic.repository import Repository

LONGEST = 16 * 1024
"""Bytes of a key file; restic's have 450."""

_MOST_KEYS = 20
"""So many key files are tried; each costs as much as opening the repository."""

_MOST_MEMORY, _MOST_WORK = 256 << 20, 1 << 26
"""Bytes, and N * r * p: restic asks for 60 MB and 2^18 at most."""

_IV, _MAC = 16, 16
_NAME = re.compile(r"[0-9a-f]{64}")
_STRINGS = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


def name_of(key_file: bytes) -> str:
    """What the file is called in `keys/`."""
    return hashlib.sha256(key_file).hexdigest()


def master_key(key_file: bytes, password: str) -> str:
    """The master key as `restic cat masterkey` has it, as JSON on one line; raises `ValueError` when the password opens no such file."""
    told = bounded_json.parse_object(key_file, "a key file", bounded_json.SMALL)
    derived = _derived(told, password.encode("utf-8", "surrogateescape"))
    data = _bytes(told, "data")
    iv, encrypted, mac = data[:_IV], data[_IV:-_MAC], data[-_MAC:]
    if len(data) <= _IV + _MAC or not hmac.compare_digest(_mac_of(encrypted, iv, derived[32:48], derived[48:]), mac):
        raise ValueError("the password does not open this key file")
    decryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(iv)).decryptor()
    inner = bounded_json.parse_object(decryptor.update(encrypted) + decryptor.finalize(), "a master key")
    return json.dumps({"mac": {"k": inner["mac"]["k"], "r": inner["mac"]["r"]}, "encrypt": inner["encrypt"]})


def _derived(told: dict[str, object], password: bytes) -> bytes:
    if told.get("kdf") != "scrypt":
        raise ValueError("this is no key file of restic")
    n, r, p = (_count(told, name) for name in ("N", "r", "p"))
    if n * r * p > _MOST_WORK or 128 * n * r > _MOST_MEMORY:
        raise ValueError("this key file asks for too much memory or time")
    return hashlib.scrypt(password, salt=_bytes(told, "salt"), n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=64)


def _count(told: dict[str, object], name: str) -> int:
    value = told.get(name)
    if type(value) is not int or value < 1:
        raise ValueError("this is no key file of restic")
    return value


def _bytes(told: dict[str, object], name: str) -> bytes:
    value = told.get(name)
    if not isinstance(value, str):
        raise ValueError("this is no key file of restic")
    return base64.b64decode(value, validate=True)


def _mac_of(data: bytes, iv: bytes, k: bytes, r: bytes) -> bytes:
    """Poly1305-AES: the one-time key is `r` and the encrypted IV."""
    block = Cipher(algorithms.AES(k), modes.ECB()).encryptor()  # noqa: S305  (one block, as Poly1305-AES is defined)
    return Poly1305.generate_tag(r + block.update(iv), data)


def keep_copy(repository: Repository, password: str, context: Context, local: str | None) -> None:
    """Leave a copy of the key file for the keeper, unless one is there. That it cannot be had costs nothing but the copy."""
    if context.index is None or context.key_file or (context.index / KEY_COPY).exists():
        return
    with contextlib.suppress(OSError, ParaduxError, ValueError):
        for key_file in _key_files(repository, local):
            if _opens(key_file, password):
                context.index.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(context.index / KEY_COPY, key_file)
                return


def _key_files(repository: Repository, local: str | None) -> Iterator[bytes]:
    if local:
        with directories.own(Path(local)) as folder, folder.inner("keys") as keys:
            for name in keys.names()[:_MOST_KEYS]:
                if (found := keys.read(name, LONGEST)) is not None and name_of(found) == name:
                    yield found
        return
    names = [line for line in repository.run("list", "keys").output if _NAME.fullmatch(line)]
    for name in names[:_MOST_KEYS]:
        shown = "\n".join(repository.run("cat", "key", name).output)
        if name_of(compact := _compact(shown)) == name:
            yield compact


def _compact(shown: str) -> bytes:
    """The bytes of a key file that restic shows with blanks and line ends between."""
    return _STRINGS.sub(lambda found: found[1] or "", shown).encode()


def _opens(key_file: bytes, password: str) -> bool:
    try:
        master_key(key_file, password)
    except (ValueError, KeyError, TypeError):
        return False
    return True
