"""The vault through the kernel: a device-mapper device for a moment. For root, where the kernel has device-mapper.

The device is given to e2fsprogs directly instead of being mounted: nothing can stay mounted, no mount is seen by anybody, and the kernel
never has to trust a file system. The mapping is closed whatever happened; one whose process was killed is closed by the next use.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects import extfs, luks, process

MAPPINGS = Path("/dev/mapper")

_TIMEOUT = 300.0


def read(path: Path, credential: bytes) -> bytes:
    """The document in a container; raises `ParaduxError` "wrong-passphrase" or "damaged-vault"."""
    with _mapping(path, credential, writable=False) as device:
        return extfs.read_from(device)


def write(path: Path, credential: bytes, document: bytes) -> None:
    """Replace the contents of a container by a new file system with the document."""
    with _mapping(path, credential, writable=True) as device:
        extfs.make_on(device, document)


@contextmanager
def _mapping(path: Path, credential: bytes, *, writable: bool) -> Iterator[str]:
    """The device node of an opened container."""
    close_left_open()
    name = f"paradux-{os.getpid()}-{secrets.token_hex(8)}"
    with process.sealed_file(credential) as (descriptor, key_file):
        command = open_command(path, name, key_file, writable=writable)
        luks.check(process.run(command, pass_fds=[descriptor], timeout=_TIMEOUT))
    try:
        yield str(MAPPINGS / name)
    finally:
        closed = process.run(close_command(name), timeout=_TIMEOUT)
    if closed.code != 0:
        raise ParaduxError(
            "still-mapped", f"cannot close the mapping {name}", f"close it by hand: cryptsetup close {name}"
        )


def close_left_open() -> None:
    """Close the mappings of processes that were killed while they had one open."""
    names = [entry.name for entry in MAPPINGS.glob("paradux-*")]
    for name in left_open(names, lambda pid: Path(f"/proc/{pid}").exists()):
        process.run(close_command(name), timeout=_TIMEOUT)


def left_open(names: Iterable[str], is_alive: Callable[[int], bool]) -> list[str]:
    """Which of the mappings belong to a process that is gone."""
    owners = ((name, re.fullmatch(r"paradux-(\d+)-[0-9a-f]{16}", name)) for name in names)
    return [name for name, owner in owners if owner and not is_alive(int(owner[1]))]


def open_command(path: Path, name: str, key_file: str, *, writable: bool) -> list[str]:
    """`cryptsetup open` of a container file; the kernel keyring is not used, so that nothing of the key stays there."""
    access = () if writable else ("--readonly",)
    options = ("--type", "luks2", "--disable-keyring", *access, "--key-file", key_file)
    return ["cryptsetup", "open", *options, "--", str(path), name]


def close_command(name: str) -> list[str]:
    """`cryptsetup close`; cryptsetup itself tries again while udev looks at the device."""
    return ["cryptsetup", "close", "--", name]
