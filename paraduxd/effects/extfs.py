"""An ext4 file system with one file, made and read by e2fsprogs, in memory or on a device; it is never mounted.

The file's content reaches e2fsprogs as a file in memory, so nothing of it lies on a disk in clear.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from paraduxd.api.errors import ParaduxError
from paraduxd.effects import process

FILE = "paradux.json"

_BLOCK = 4096
"""Bytes; the kernel refuses smaller blocks on 4096-byte encrypted sectors."""

_BANNERS = ("debugfs ", "mke2fs ")


def make(size: int, content: bytes) -> bytes:
    """An image of `size` bytes that holds `content` as its one file."""
    with process.sealed_file(b"") as (descriptor, path):
        os.ftruncate(descriptor, size)
        make_on(path, content, [descriptor])
        return os.pread(descriptor, size, 0)


def read(image: bytes) -> bytes:
    """The one file of an image; raises `ParaduxError` "damaged-vault" when it is not there."""
    with process.sealed_file(image) as (descriptor, path):
        return read_from(path, [descriptor])


def make_on(path: str, content: bytes, descriptors: Sequence[int] = ()) -> None:
    """Make the file system on a device or an image; `descriptors` are those that `path` needs to be open."""
    with process.sealed_file(content) as (source, source_path):
        _run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", str(_BLOCK), "-m", "0", path], descriptors)
        _run(["debugfs", "-w", "-R", f"write {source_path} {FILE}", path], [*descriptors, source])


def read_from(path: str, descriptors: Sequence[int] = ()) -> bytes:
    """The one file of a device or an image."""
    return _run(["debugfs", "-R", f"cat /{FILE}", path], descriptors)


def _run(command: Sequence[str], descriptors: Sequence[int]) -> bytes:
    """debugfs ends with 0 even when it failed; it says so on standard error, after a line with its version."""
    outcome = process.run(command, pass_fds=descriptors)
    said = outcome.errors.decode(errors="replace").splitlines()
    if outcome.code or any(line.strip() and not line.startswith(_BANNERS) for line in said):
        raise ParaduxError(
            "damaged-vault",
            f"cannot use the file system in the vault: {command[0]} failed",
            "the previous vault lies beside it (vault.luks.previous), the published configs at the metadata stashes",
        )
    return outcome.output
