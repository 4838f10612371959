"""The payload of a container through the kernel: a device-mapper device for a moment. For root, where the kernel has device-mapper.

The device is read by e2fsprogs and written as a whole instead of being mounted: nothing can stay mounted, no mount is seen by anybody, and
the kernel never has to trust a file system. The mapping is closed whatever happened; for one whose process was killed see
`device_mapper.close_left_open`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.devices import device_mapper
from paraduxd.effects.process import run
from paraduxd.effects.vault import luks
from paraduxd.effects.vault.ext4_image import Image
from paraduxd.effects.vault.luks import Segment

_TIMEOUT = 300.0


@contextmanager
def opened(path: Path, segment: Segment, key: bytes) -> Iterator[Image]:
    """The payload in clear, as a device: what nobody reads is not decrypted. `segment` is not used: the kernel reads the header itself."""
    with _mapping(path, key, writable=False) as device:
        yield Image(str(device))


def write(path: Path, segment: Segment, key: bytes, image: bytes) -> None:
    """Replace the payload and put it on the disk; `image` fills it exactly.

    All of it is written: what is left out would show how long the config is.
    """
    with _mapping(path, key, writable=True) as device, device.open("r+b") as file:
        if file.seek(0, os.SEEK_END) != len(image):
            raise ValueError("the image does not fit the container")
        file.seek(0)
        file.write(image)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _mapping(path: Path, key: bytes, *, writable: bool) -> Iterator[Path]:
    """The device node of an opened container."""
    device_mapper.close_left_open()
    name = f"paradux-{os.getpid()}-{secrets.token_hex(8)}"
    with run.sealed_file(key) as (descriptor, key_file):
        command = open_command(path, name, key_file, writable=writable)
        luks.check(run.run(command, pass_fds=[descriptor], timeout=_TIMEOUT))
    try:
        yield device_mapper.MAPPINGS / name
    finally:
        closed = run.run(device_mapper.close_command(name), timeout=_TIMEOUT)
    if closed.code != 0:
        raise ParaduxError(
            "still-mapped", f"cannot close the mapping {name}", f"close it by hand: cryptsetup close {name}"
        )


def open_command(path: Path, name: str, key_file: str, *, writable: bool) -> list[str]:
    """`cryptsetup open` with the volume key; the kernel keyring is not used, so that nothing of the key stays there."""
    access = () if writable else ("--readonly",)
    options = ("--type", "luks2", "--disable-keyring", *access, "--volume-key-file", key_file)
    return ["cryptsetup", "open", *options, "--", str(path), name]
