"""`paradux-place.json`: whose place this is. It lies beside the versions of a destination, and beside published configs.

One JSON object: `format`, `owner`, `place` (uid), `instance` and `generation` of the machine that wrote last, `newest` (number of
the newest version, or serial of the newest config), and `machine`, the machine.asc of that machine, signed by a recovery key. It is
read before anything is written or removed: a place that is not the one that is meant must never be touched.

Format: `docs/reference/formats.md`.
"""

from __future__ import annotations

import json
from dataclasses import replace

from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery import machine_claim
from paraduxd.core.recovery.machine_claim import Machine
from paraduxd.effects.crypto.machine_claim_signature import is_signed
from paraduxd.protocols.base import Identity, TransientError

NAME = "paradux-place.json"
FORMAT = "paradux-place/1"

LONGEST = 256 * 1024
"""Bytes of a marker."""


@dataclass(frozen=True)
class Marker:
    """What a marker says."""

    format: str
    owner: str
    place: str
    instance: str
    generation: int = 1
    newest: int = 0
    machine: str = ""


def render(identity: Identity, newest: int) -> bytes:
    """The marker of this machine; `newest` as in the module's first lines."""
    marker = Marker(
        FORMAT, identity.owner, identity.place, identity.instance, identity.generation, newest, identity.claim
    )
    return (json.dumps(to_json_value(marker), indent=1) + "\n").encode()


def check(found: bytes | None, identity: Identity, where: str) -> Marker | None:
    """What lies at the place; `None` where no marker does and none needs to.

    `where` names the place in sentences. Raises `TransientError` "not-mounted" when a marker was there before, `ParaduxError`
    "damaged-marker", "other-owner", "other-place", "superseded" when a machine that came later has signed it, and
    "unknown-machine" when one says so that cannot be believed: that stops this place and no other. One that was recovered with
    shares of an epoch that has ended is not obeyed (`by_old_shares`): its marker is replaced.
    """
    if found is None:
        if identity.marked:
            raise not_mounted(where)
        return None
    marker = _parsed(found, where)
    place = identity.place if marker.place in identity.beside else marker.place
    stop_if_foreign(marker.owner, place, identity, where)
    _stop_if_superseded(marker, identity, where)
    return marker


def stop_if_foreign(owner: str, place: str, identity: Identity, where: str) -> None:
    """Raises `ParaduxError` "other-owner" and "other-place" unless what lies at a place belongs to `identity`."""
    if owner != identity.owner:
        raise ParaduxError(
            "other-owner",
            f"{where} belongs to another owner's Paradux, so nothing was written there",
            "give this one a place of its own: paraductl edit",
        )
    if place != identity.place:
        raise ParaduxError(
            "other-place",
            f"{where} is another place of this owner, or was one under another address, so nothing was written there",
            'if it is the same one, say "was" with its old id: paraductl edit; else give this one a place of its own',
        )


def place_in(found: bytes) -> str:
    """The uid of the place that this is the marker of; "" when it is not understood."""
    try:
        return _parsed(found, "").place
    except ParaduxError:
        return ""


def needs_writing(found: Marker | None, identity: Identity, newest: int) -> bool:
    """Whether the marker at the place is not the one that belongs there now."""
    if found is None:
        return True
    return replace(found, machine="") != replace(_parsed(render(identity, newest), ""), machine="")


def not_mounted(where: str) -> TransientError:
    """The place is known, and what lies there is not it."""
    return TransientError(
        "not-mounted",
        f"{where} does not carry the marker that was written there: it is not mounted, or was emptied",
        'mount it; if it was emptied on purpose, say "was": "-" on it with paraductl edit, and it begins anew',
    )


def _parsed(found: bytes, where: str) -> Marker:
    try:
        marker = from_json_value(Marker, bounded_json.parse(found[:LONGEST], NAME))
    except (ValueError, RecursionError):
        marker = None
    if marker is None or marker.format != FORMAT or marker.generation < 1 or marker.newest < 0:
        raise ParaduxError(
            "damaged-marker",
            f"{NAME} at {where} is not a marker of a known format, so nothing was written there",
            f'see whether it is the right place; if it is, remove {NAME} there and say "was": "-" on it with paraductl edit',
        )
    return marker


def _stop_if_superseded(marker: Marker, identity: Identity, where: str) -> None:
    if marker.instance == identity.instance or marker.generation < identity.generation:
        return
    message = marker.machine.encode()
    theirs = machine_claim.claimed(message)
    if theirs is not None and (theirs.instance, theirs.generation) != (marker.instance, marker.generation):
        theirs = None
    if theirs is not None and theirs.owner == identity.owner:
        if is_signed(message, theirs, identity.keys):
            raise superseded(where, theirs.generation, theirs.date)
        if is_signed(message, theirs, identity.ended):
            return
    raise ParaduxError(
        "unknown-machine",
        f"{where} says that another machine has taken over (generation {marker.generation}), but not with a signature known here",
        f"if there is no such machine, remove {NAME} there",
    )


def by_old_shares(marker: Marker | None, identity: Identity | None) -> Machine | None:
    """The machine that wrote a marker which has passed `check` although it claims to have taken over: it has shares of an ended epoch."""
    if marker is None or identity is None or marker.instance == identity.instance:
        return None
    return machine_claim.claimed(marker.machine.encode()) if marker.generation >= identity.generation else None


def superseded(where: str, generation: int, date: str) -> ParaduxError:
    """Another machine is the owner's Paradux now."""
    return ParaduxError(
        machine_claim.SUPERSEDED,
        f"another machine has taken over as this owner's Paradux on {date[:10]} (generation {generation}, seen at {where}),"
        " so this one sends and removes nothing any more",
        "work with that one; if it is this one that shall go on, move its state directory away and: paraductl recover",
    )
