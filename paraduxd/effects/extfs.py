"""An ext4 file system with the config in it, made and read by e2fsprogs, in memory or on a device; it is never mounted.

Content reaches e2fsprogs as files in memory, so nothing of it lies on a disk in clear. Beside the config stands its SHA-256, in the
format of sha256sum(1): neither ext4 nor AES-XTS notices that a byte of a file has changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from paraduxd.effects import luks, process

FILE = "paradux.json"
SUM = f"{FILE}.sha256"

_BLOCK = 4096
"""Bytes; the kernel refuses smaller blocks on 4096-byte encrypted sectors."""

_BANNERS = ("debugfs ", "mke2fs ")
_NOT_FOUND = "File not found"


def make(size: int, document: bytes) -> bytes:
    """An image of `size` bytes that holds the document."""
    with process.sealed_file(b"") as (descriptor, path):
        os.ftruncate(descriptor, size)
        make_on(path, document, [descriptor])
        return os.pread(descriptor, size, 0)


def read(image: bytes) -> bytes:
    """The document in an image; raises `ParaduxError` "damaged-vault" when it is not there or has changed."""
    with process.sealed_file(image) as (descriptor, path):
        return read_from(path, [descriptor])


def make_on(path: str, document: bytes, descriptors: Sequence[int] = ()) -> None:
    """Make the file system on a device or an image; `descriptors` are those that `path` needs to be open."""
    _run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", str(_BLOCK), "-m", "0", path], descriptors)
    _add(path, FILE, document, descriptors)
    _add(path, SUM, _sum_line(document), descriptors)


def read_from(path: str, descriptors: Sequence[int] = ()) -> bytes:
    """The document on a device or in an image, compared with its SHA-256 (a vault made by hand may have none)."""
    document, line = _get(path, FILE, descriptors), _get(path, SUM, descriptors)
    if document is None:
        raise luks.damaged(f"it holds no {FILE}")
    if line not in (None, _sum_line(document)):
        raise luks.damaged("the config in it is not what was saved")
    return document


def _sum_line(document: bytes) -> bytes:
    return f"{hashlib.sha256(document).hexdigest()}  {FILE}\n".encode()


def _add(path: str, name: str, content: bytes, descriptors: Sequence[int]) -> None:
    with process.sealed_file(content) as (source, source_path):
        _run(["debugfs", "-w", "-R", f"write {source_path} {name}", path], [*descriptors, source])


def _get(path: str, name: str, descriptors: Sequence[int]) -> bytes | None:
    outcome = process.run(["debugfs", "-R", f"cat /{name}", path], pass_fds=descriptors)
    if any(_NOT_FOUND in line for line in _complaints(outcome)):
        return None
    return _checked("debugfs", outcome)


def _run(command: Sequence[str], descriptors: Sequence[int]) -> bytes:
    return _checked(command[0], process.run(command, pass_fds=descriptors))


def _checked(program: str, outcome: process.Outcome) -> bytes:
    if outcome.code or _complaints(outcome):
        raise luks.damaged(f"{program} cannot use the file system in it")
    return outcome.output


def _complaints(outcome: process.Outcome) -> list[str]:
    """debugfs ends with 0 even when it failed; it says so on standard error, after a line with its version."""
    said = outcome.errors.decode(errors="replace").splitlines()
    return [line for line in said if line.strip() and not line.startswith(_BANNERS)]
