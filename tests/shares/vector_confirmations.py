"""Vectors of the confirmation code, from docs/reference/formats.md alone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from tests.shares.vector_parts import FORMAT, OURS, Family, Json, kit, text

PURPOSE = b"paradux.seen/1"


@dataclass(frozen=True)
class Whole:
    """What the code says of a whole kit."""

    owner: str
    epoch: int
    manifest: bytes


def confirmations() -> Json:
    family = Family("confirmation", 3)
    manifests = [text(kit(family, holder, epoch)) for holder, epoch in ((0, 1), (1, 1), (0, 2))]
    return {
        "format": FORMAT,
        "about": "`code`: what the steward with `share` (33 words, member `member`) reads out on `date`; `manifest`: kit.json of a whole "
        "kit, null for the other kinds",
        "check_digits": [
            {"digits": digits, "check": damm(digits)} for digits in ("0", "572", "08976118007", "99999999999")
        ],
        "cases": list(_cases(family, manifests)),
    }


def _cases(family: Family, manifests: list[str]) -> Iterator[Json]:
    first, again = "2026-11-28", "2026-11-29"
    kits: list[tuple[str, int, str, str, str, int, int]] = [
        ("a whole kit", 0, first, "whole", "", 0, 1),
        ("the day after", 0, again, "whole", "", 0, 1),
        ("asked for", 0, first, "whole", "042195", 0, 1),
        ("another steward", 1, first, "whole", "", 1, 1),
        ("another epoch", 0, first, "whole", "", 2, 2),
        ("only the share is good", 0, first, "share", "", -1, 0),
        ("words of a sheet", 0, first, "words", "", -1, 0),
        ("words of a sheet, asked for", 2, first, "words", "000000", -1, 0),
    ]
    for name, member, date, kind, challenge, place, epoch in kits:
        manifest = manifests[place] if place >= 0 else None
        whole = Whole(OURS, epoch, manifest.encode()) if manifest else None
        yield {
            "name": name,
            "member": member,
            "share": family.shares[member],
            "date": date,
            "kind": kind,
            "challenge": challenge,
            "manifest": manifest,
            "code": code(family.shares[member], member, date, kind, challenge, whole),
        }


def code(words: str, member: int, date: str, kind: str, challenge: str, kit: Whole | None) -> str:
    """The twelve digits."""
    whole = (kit.owner, str(kit.epoch), hashlib.sha256(kit.manifest).hexdigest()) if kit else ("", "", "")
    said = (PURPOSE.decode(), whole[0], whole[1], str(member), date, kind, whole[2], challenge)
    key = hmac.digest(PURPOSE, words.encode(), "sha256")
    number = int.from_bytes(hmac.digest(key, "\n".join(said).encode(), "sha256")[:8], "big") % 10**11
    return f"{number:011}" + damm(f"{number:011}")


def damm(digits: str) -> str:
    """The check digit of H. M. Damm's thesis (2004), page 111."""
    table = (
        "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
        "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
    )  # fmt: skip
    interim = 0
    for digit in digits:
        interim = int(table[interim][int(digit)])
    return str(interim)
