"""Whether a LUKS2 container is whole as far as anybody can see who cannot open it: its two binary headers, and a hash of the file.

Source: LUKS2 On-Disk Format Specification 1.1, section 2.1. Nothing here needs a secret, and only encrypted bytes are read, so that
the supervisor may import it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import IO

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value
from paraduxd.api.frozen import dataclass

PASSPHRASE_SLOT = 0

LEAST_PASSES = 4
LEAST_MEMORY = 512 * 1024
"""KiB of argon2id for the operational passphrase, or half of the machine's memory: cryptsetup measures, and takes less when it is busy."""

Signature = str
"""What tells a file from every other one and from what it was before: inode, size, and when its content and its inode have changed, in
nanoseconds. "" for a file that is not there, or has changed while it was read."""

_PRIMARY, _SECONDARY = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
_BINARY = 4096
_LARGEST_HEADER = 4 << 20
_CHECKSUM = slice(448, 512)
_PIECE = 1 << 20


@dataclass(frozen=True)
class Cost:
    """How much argon2id takes: KiB, passes over them, threads."""

    memory: int
    passes: int
    threads: int


@dataclass(frozen=True)
class Seen:
    """What a look found: `state` is "", "missing", "empty" or "damaged"; `sha256` of the whole file, "" unless it is whole.

    `cost`: what a guess of the operational passphrase takes; `None` when the header does not say. `signature`: of the file that was read.
    """

    state: str = ""
    sha256: str = ""
    cost: Cost | None = None
    signature: Signature = field(default="", compare=False)

    @property
    def is_cheap(self) -> bool:
        """Whether guesses cost less than they should: made for tests, on a busy or small machine, or by an early version."""
        return self.cost is not None and (self.cost.memory < least_memory() or self.cost.passes < LEAST_PASSES)


def least_memory() -> int:
    """KiB."""
    return min(LEAST_MEMORY, half_of_memory())


def half_of_memory() -> int:
    """KiB of half of the machine's memory: the most that cryptsetup takes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2048


def signature(path: Path) -> Signature:
    """That of the file which lies there now."""
    try:
        return _signature(path.stat())
    except OSError:
        return ""


def _signature(status: os.stat_result) -> Signature:
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def digest(path: Path, size: int) -> bytes:
    """SHA-256 of the first `size` bytes: both headers and all keyslots, when that is where the payload begins."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while size and (piece := file.read(min(size, _PIECE))):
            found.update(piece)
            size -= len(piece)
    return found.digest()


@dataclass(frozen=True)
class Area:
    """How the key in a keyslot is encrypted."""

    encryption: str
    key_size: int


@dataclass(frozen=True)
class KeyslotKdf:
    """How a passphrase is stretched; `time`: passes, `cpus`: threads. Only argon2 says them."""

    memory: int | None = None
    time: int | None = None
    cpus: int | None = None


@dataclass(frozen=True)
class Keyslot:
    """One passphrase or key that opens the container."""

    area: Area
    kdf: KeyslotKdf = KeyslotKdf()


@dataclass(frozen=True)
class PayloadSegment:
    """Where the payload lies and how it is encrypted; numbers beyond 53 bits are texts, as the specification has it."""

    type: str
    encryption: str
    size: str
    offset: str
    iv_tweak: str
    sector_size: int
    integrity: object = "none"


@dataclass(frozen=True)
class Metadata:
    """The JSON of a header, as far as we look at it."""

    keyslots: Mapping[str, Keyslot]
    segments: Mapping[str, PayloadSegment]


def metadata_of(text: bytes) -> Metadata:
    """The JSON of a header; raises `ValueError`."""
    return from_json_value(Metadata, bounded_json.parse_object(text, "the header"))


def cost_in(metadata: Metadata) -> Cost:
    """What a guess takes; raises `ValueError` when the header does not say."""
    slot = metadata.keyslots.get(str(PASSPHRASE_SLOT))
    kdf = slot.kdf if slot else KeyslotKdf()
    if kdf.memory is None or kdf.time is None or kdf.cpus is None:
        raise ValueError("no argon2")
    return Cost(kdf.memory, kdf.time, kdf.cpus)


class Look:
    """Looks at one container; reads it only when it has changed since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = Seen()

    def now(self) -> Seen:
        """What is there now."""
        try:
            if _signature(self._path.stat()) != self._seen.signature:
                self._seen = _seen(self._path)
            return self._seen
        except FileNotFoundError:
            return Seen("missing")
        except OSError:
            return Seen("damaged")


def _seen(path: Path) -> Seen:
    with path.open("rb") as file:
        before = _signature(os.fstat(file.fileno()))
        state, sha256, cost = _content(file)
        after = _signature(os.fstat(file.fileno()))
    return Seen(state, sha256, cost, before if before == after else "")


def _content(file: IO[bytes]) -> tuple[str, str, Cost | None]:
    """State, hash and cost, as in `Seen`."""
    if not os.fstat(file.fileno()).st_size:
        return "empty", "", None
    if not _headers_are_whole(file):
        return "damaged", "", None
    cost = _cost(file)
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return "", digest.hexdigest(), cost


def _cost(file: IO[bytes]) -> Cost | None:
    """What the JSON behind the first binary header says."""
    file.seek(0)
    size = _size(file.read(_BINARY))
    try:
        return cost_in(metadata_of(file.read(size - _BINARY).partition(b"\0")[0]))
    except ValueError:
        return None


def _headers_are_whole(file: IO[bytes]) -> bool:
    size = _size(file.read(_BINARY))
    return bool(size) and _is_whole(file, 0, size, _PRIMARY) and _is_whole(file, size, size, _SECONDARY)


def _size(start: bytes) -> int:
    """Bytes of one header with its JSON, from the primary one; 0 when it is none."""
    size = int.from_bytes(start[8:16], "big")
    is_header = start.startswith(_PRIMARY) and int.from_bytes(start[6:8], "big") == 2
    return size if is_header and _BINARY < size <= _LARGEST_HEADER else 0


def _is_whole(file: IO[bytes], offset: int, size: int, magic: bytes) -> bool:
    """Magic, and the checksum over the header with the checksum's own place zeroed."""
    file.seek(offset)
    header = bytearray(file.read(size))
    algorithm = bytes(header[72:104]).rstrip(b"\0").decode("ascii", "replace")
    if len(header) != size or not header.startswith(magic) or algorithm not in hashlib.algorithms_available:
        return False
    stored, header[_CHECKSUM] = bytes(header[_CHECKSUM]), bytes(64)
    digest = hashlib.new(algorithm, header, usedforsecurity=False).digest()
    return stored[: len(digest)] == digest
