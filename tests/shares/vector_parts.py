"""What the vectors are made of: sets of shares and manifests that come out the same every time. Nothing of Paradux is used."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import Any

import shamir_mnemonic
from shamir_mnemonic import shamir
from shamir_mnemonic.wordlist import WORDLIST

Json = dict[str, Any]

STEWARDS = ("Alice", "Bob", "Carol", "Dave", "Eve")
OURS, THEIRS = "a" * 32, "b" * 32
FORMAT = "paradux.vectors/1"


class Stream:
    """Bytes that look random and are the same every time: SHA-256 of a name and a counter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = itertools.count()

    def __call__(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            found += hashlib.sha256(f"paradux test vector: {self._name}: {next(self._count)}".encode()).digest()
        return found[:length]


class Family:
    """A secret that was made for the purpose, and its 16 shares."""

    def __init__(self, name: str, threshold: int, **options: Any) -> None:
        stream = Stream(name)
        self.secret = stream(32)
        self.threshold = threshold
        shamir.RANDOM_BYTES = stream
        self.shares: list[str] = shamir_mnemonic.generate_mnemonics(
            1, [(threshold, 16)], self.secret, **{"iteration_exponent": 0, **options}
        )[0]
        numbers = [WORDLIST.index(word) for word in self.shares[0].split()]
        self.identifier = numbers[0] << 5 | numbers[1] >> 5

    def words(self, member: int) -> list[str]:
        return self.shares[member].split()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def kit(family: Family, holder: int, epoch: int, owner: str = OURS) -> Json:
    """The kit.json of one steward."""
    people: list[Json | None] = [{"id": name.lower(), "name": name} for name in STEWARDS]
    return {
        "format": "paradux.kit/1",
        "owner": {"id": owner, "name": "Fred Myself" if owner == OURS else "Greta Other"},
        "instance": "c" * 32,
        "epoch": epoch,
        "serial": 7,
        "written": f"2026-11-{20 + holder}T10:00:00Z",
        "steward": {**(people[holder] or {}), "language": "en"},
        "share": {"index": holder, "sha256": sha256(family.shares[holder])},
        "fingerprint": f"{epoch}{'F' * 39}",
        "set": {
            "format": "paradux.set/1",
            "epoch": epoch,
            "created": f"2026-0{epoch}-01T00:00:00Z",
            "threshold": family.threshold,
            "issued": len(STEWARDS),
            "identifier": family.identifier,
            "shares": [
                {"member": member, "sha256": sha256(share), "steward": person}
                for member, (share, person) in enumerate(zip(family.shares, people + [None] * 11, strict=True))
            ],
        },
        "files": {"share.txt": {"bytes": 669, "sha256": "0" * 64}},
    }


def text(document: Json) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def numbered(words: Sequence[str], columns: int = 3, mark: str = ".") -> str:
    cells = [f"{number:2}{mark} {word:<12}" for number, word in enumerate(words, 1)]
    return "".join("".join(cells[row : row + columns]).rstrip() + "\n" for row in range(0, len(cells), columns))


def other_word(word: str, by: int = 1) -> str:
    return str(WORDLIST[(WORDLIST.index(word) + by) % 1024])
