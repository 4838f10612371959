"""`hashes/<id>.sha256` and `hashes/<id>.md5`: the checksum of every file of a version, as sha256sum(1) and md5sum(1) write and check it.

One line per file: the checksum, two spaces, and the path relative to the version. Where a path has a backslash, a line feed or a carriage
return, the line begins with a backslash, and they are written `\\\\`, `\\n` and `\\r`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

Sums = dict[bytes, str]
"""Path -> checksum in hexadecimal digits."""

SHA256, MD5 = "sha256", "md5"
_DIGITS = {SHA256: 64, MD5: 32}
_LINE = re.compile(rb"(\\?)([0-9a-f]+)  (.+)", re.DOTALL)
_PLAIN = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_ESCAPED = {escape: plain for plain, escape in _PLAIN.items()}
_TO_ESCAPE = re.compile(rb"[\\\n\r]")
_TO_READ = re.compile(rb"\\[\\nr]")


def render(sums: Mapping[bytes, str]) -> bytes:
    """The file, sorted by path."""
    return b"".join(_line(path, sums[path]) for path in sorted(sums))


def _line(path: bytes, digest: str) -> bytes:
    escaped = _TO_ESCAPE.sub(lambda match: _PLAIN[match[0]], path)
    return (b"\\" if escaped != path else b"") + digest.encode() + b"  " + escaped + b"\n"


def parse(data: bytes, algorithm: str) -> Sums:
    """What a file says; raises `ValueError` when it is none."""
    sums = {}
    for line in data.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None and not line:
            continue
        if match is None or len(match[2]) != _DIGITS.get(algorithm):
            raise ValueError("not a file of checksums")
        path = _TO_READ.sub(lambda escape: _ESCAPED[escape[0]], match[3]) if match[1] else match[3]
        sums[path] = match[2].decode()
    return sums


def digest_of(data: bytes) -> str:
    """The SHA-256 of a whole file of checksums, as the manifest has it."""
    return sha256(data).hexdigest()


def in_part(paths: Iterable[bytes], part: int, parts: int) -> list[bytes]:
    """The paths that belong to the `part`th (from 0) of so many parts: the same ones in every version."""
    return [path for path in paths if int.from_bytes(sha256(path).digest()[:8]) % parts == part]


def shown(path: str) -> str:
    """A path, in which bytes may be surrogates, as it can be printed."""
    return path if path.isprintable() else repr(path)[1:-1]
