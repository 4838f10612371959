"""The vault through the kernel: a device-mapper device for a moment. For root, where the kernel has device-mapper.

The device is given to e2fsprogs directly instead of being mounted: nothing can stay mounted, no mount is seen by anybody, and the kernel
never has to trust a file system. The mapping is closed whatever happened.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects import extfs, luks, process

_TIMEOUT = 300.0


def read(path: Path, credential: bytes, slot: int) -> bytes:
    """The document in a container; raises `ParaduxError` "wrong-passphrase" or "damaged-vault"."""
    with _mapping(path, credential, slot, writable=False) as device:
        return extfs.read_from(device)


def write(path: Path, credential: bytes, slot: int, document: bytes) -> None:
    """Replace the contents of a container by a new file system with the document; on disk when the call returns."""
    with _mapping(path, credential, slot, writable=True) as device:
        extfs.make_on(device, document)
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _mapping(path: Path, credential: bytes, slot: int, *, writable: bool) -> Iterator[str]:
    """The device node of an opened container."""
    name = f"paradux-{secrets.token_hex(8)}"
    with process.sealed_file(credential) as (descriptor, key_file):
        outcome = process.run(
            open_command(path, name, key_file, slot, writable=writable), pass_fds=[descriptor], timeout=_TIMEOUT
        )
    luks.check(outcome)
    try:
        yield f"/dev/mapper/{name}"
    finally:
        closed = process.run(close_command(name), timeout=_TIMEOUT)
    if closed.code != 0:
        raise ParaduxError(
            "still-mapped", f"cannot close the mapping {name}", f"close it by hand: cryptsetup close {name}"
        )


def open_command(path: Path, name: str, key_file: str, slot: int, *, writable: bool) -> list[str]:
    """`cryptsetup open` of a container file; the kernel keyring is not used, so that nothing of the key stays there."""
    access = () if writable else ("--readonly",)
    options = ("--type", "luks2", "--disable-keyring", *access, "--key-slot", str(slot), "--key-file", key_file)
    return ["cryptsetup", "open", *options, "--", str(path), name]


def close_command(name: str) -> list[str]:
    """`cryptsetup close`; cryptsetup itself tries again while udev looks at the device."""
    return ["cryptsetup", "close", "--", name]
