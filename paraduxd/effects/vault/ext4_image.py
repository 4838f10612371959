"""An image of an ext4 file system with the config in it, made in memory and read by e2fsprogs; it is never mounted.

Content reaches e2fsprogs as files in memory, so nothing of it lies on a disk in clear. Beside the config stands its SHA-256, in the
format of sha256sum(1): neither ext4 nor AES-XTS notices that a byte of a file has changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from paraduxd.api.frozen import dataclass
from paraduxd.effects.process import run
from paraduxd.effects.vault import luks

FILE = "paradux.json"
SUM = f"{FILE}.sha256"

_BLOCK = 4096
"""Bytes; the kernel refuses smaller blocks on 4096-byte encrypted sectors."""

_BANNERS = ("debugfs ", "mke2fs ")
_NOT_FOUND = "File not found"


@dataclass(frozen=True)
class Image:
    """Where an image is to be read: a path, and the descriptors with which that can be opened."""

    path: str
    descriptors: tuple[int, ...] = ()


def make(size: int, document: bytes) -> bytes:
    """An image of `size` bytes that holds the document."""
    with run.sealed_file(b"") as (descriptor, path):
        os.ftruncate(descriptor, size)
        _checked("mke2fs", ["-q", "-F", "-t", "ext4", "-b", str(_BLOCK), "-m", "0", path], [descriptor])
        _add(path, FILE, document, descriptor)
        _add(path, SUM, _sum_line(document), descriptor)
        return os.pread(descriptor, size, 0)


def read(image: Image) -> bytes:
    """The document in an image, compared with its SHA-256 (a vault made by hand may have none).

    Raises `ParaduxError` "damaged-vault" when it is not there or has changed.
    """
    document, line = _get(image, FILE), _get(image, SUM)
    if document is None:
        raise luks.damaged(f"it holds no {FILE}")
    if line not in (None, _sum_line(document)):
        raise luks.damaged("the config in it is not what was saved")
    return document


def _sum_line(document: bytes) -> bytes:
    return f"{hashlib.sha256(document).hexdigest()}  {FILE}\n".encode()


def _add(path: str, name: str, content: bytes, descriptor: int) -> None:
    with run.sealed_file(content) as (source, source_path):
        _checked("debugfs", ["-w", "-R", f"write {source_path} {name}", path], [descriptor, source])


def _get(image: Image, name: str) -> bytes | None:
    try:
        return _checked("debugfs", ["-R", f"cat /{name}", image.path], image.descriptors)
    except FileNotFoundError:
        return None


def _checked(program: str, arguments: Sequence[str], descriptors: Sequence[int]) -> bytes:
    """The output of a program that has nothing to complain of: debugfs ends with 0 even when it failed."""
    outcome = run.run([program, *arguments], pass_fds=descriptors)
    said = outcome.errors.decode(errors="replace").splitlines()
    complaints = [line for line in said if line.strip() and not line.startswith(_BANNERS)]
    if any(_NOT_FOUND in line for line in complaints):
        raise FileNotFoundError
    if outcome.code or complaints:
        raise luks.damaged(f"{program} cannot use the file system in it")
    return outcome.output
