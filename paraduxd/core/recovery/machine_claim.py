"""machine.asc: which machine is the owner's Paradux now. It lies beside the published configs, so that a machine that was thought lost
notices when another has taken over.

The object is a cleartext-signed OpenPGP message (RFC 9580, section 7) by the recovery key of the epoch in which the machine took over;
its text is one JSON object. A higher generation is the newer machine.
"""

from __future__ import annotations

import json

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.frozen import dataclass

NAME = "machine.asc"

PUBLIC_KEYS = "public-keys.asc"
"""In the outbox, never published: the public recovery keys that this machine knows, armored, one after the other."""

ENDED_KEYS = "ended-keys.asc"
"""Likewise, those of epochs that have ended: who signs with one of them has old shares, and is nobody to give way to."""

FORMAT = "paradux.machine/1"

SUPERSEDED = "superseded"
"""The code of the error with which a machine that another has replaced stops publishing."""

LONGEST = 64 * 1024
"""Bytes of a whole object."""


@dataclass(frozen=True)
class Machine:
    """One machine of an owner. `generation` counts from 1; `date`: since when, RFC 3339 in UTC."""

    format: str
    owner: str
    instance: str
    generation: int
    date: str

    def to_json(self) -> bytes:
        """The text that is signed."""
        return (json.dumps(to_json_value(self), sort_keys=True) + "\n").encode()

    def overrules(self, owner: str, instance: str, generation: int) -> bool:
        """Whether this machine has taken over from the one given: it is a later one, or another of the same generation was first."""
        if self.owner != owner or self.instance == instance:
            return False
        return self.generation >= generation


def machine(owner: str, instance: str, generation: int, date: str) -> Machine:
    """The machine with these ids."""
    return Machine(FORMAT, owner, instance, generation, date)


def from_json(text: bytes) -> Machine:
    """The machine of a signed text; raises `ValueError` when it is not one."""
    found = from_json_value(Machine, bounded_json.parse(text, NAME))
    if found.format != FORMAT or found.generation < 1:
        raise ValueError("not a machine of a known format")
    return found


def claimed(message: bytes) -> Machine | None:
    """What an unchecked object claims, `None` when it claims nothing that could be understood: worth checking the signature, or not."""
    for line in message[:LONGEST].splitlines():
        if line.startswith(b"{"):
            try:
                return from_json(line)
            except ValueError:
                return None
    return None
