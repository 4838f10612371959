"""Secrets that can be recognised, and every form in which one could lie somewhere."""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_LETTERS = string.ascii_letters + string.digits
_STEP = 8
"""Pieces begin this far apart: of a run of `size` + 7 bytes at least one piece is whole."""


@dataclass(frozen=True)
class Canary:
    """One secret. `tags` say where it belongs (`expected.py`); `parts` are values that give it away as well, like a key in binary.

    `size` is how many bytes in a row are no coincidence; `ordinary` pieces stand in what is public, too.
    """

    name: str
    value: bytes
    tags: frozenset[str] = frozenset()
    parts: tuple[bytes, ...] = ()
    size: int = 8
    ordinary: bytes = b""

    def needles(self) -> Iterator[bytes]:
        """What to search for: each piece of each form. None of them has a line feed in it."""
        for value in (self.value, *self.parts):
            for scale, form in forms(value):
                for line in form.split(b"\n"):
                    yield from (each for each in pieces(line, self.size * scale) if each not in self.ordinary)


def forms(value: bytes) -> Iterator[tuple[int, bytes]]:
    """The value as programs write it; before each, by how much more of it is needed to be no coincidence."""
    yield 1, value
    yield 1, value[::-1]
    for scale, form in (
        (2, value.hex().encode()),
        (2, value.hex().upper().encode()),
        *((1, e) for e in _base64(value)),
    ):
        yield scale, form
    text = value.decode(errors="surrogateescape")
    for form in (quote(text, errors="surrogateescape").encode(), _json(text)):
        if form != value:
            yield 1, form
    yield 2, b"".join(bytes((byte, 0)) for byte in value)


def _json(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def _base64(value: bytes) -> Iterator[bytes]:
    """The three ways in which it stands in the base64 of something longer, in both alphabets."""
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + value)
        first = (0, 2, 3)[shift]
        plain = whole[first : (shift + len(value)) // 3 * 4]
        yield plain
        other = plain.translate(bytes.maketrans(b"+/", b"-_"))
        if other != plain:
            yield other


def pieces(form: bytes, size: int) -> Iterator[bytes]:
    """Pieces of so many bytes, so close that any longer run holds one; one that is short is whole."""
    if len(form) < size:
        if len(form) >= min(size, 8):
            yield form
        return
    yield from (form[start : start + size] for start in range(0, len(form) - size + 1, _STEP))
    yield form[-size:]


def invent(between: str = "", groups: int = 6) -> str:
    """A value that nothing else has. The characters of `between` stand between groups of random letters, in turn."""
    parts = ["".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(groups)]
    if not between:
        return "".join(parts)
    joints = [between[number % len(between)] for number in range(groups - 1)]
    return "".join(part + joint for part, joint in zip(parts, [*joints, ""], strict=True))


def index(canaries: Collection[Canary]) -> dict[bytes, str]:
    """Every needle, and whose it is. One that belongs to two would say nothing of either, and is left out."""
    found: dict[bytes, str] = {}
    shared: set[bytes] = set()
    for canary in canaries:
        for needle in canary.needles():
            if found.setdefault(needle, canary.name) != canary.name:
                shared.add(needle)
    return {needle: name for needle, name in found.items() if needle not in shared}
