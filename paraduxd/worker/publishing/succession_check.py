"""Before publishing: is this machine still the owner's Paradux, or has a recovered one taken over (`core/recovery/machine_claim.py`)?"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import machine_claim
from paraduxd.core.recovery.machine_claim import Machine
from paraduxd.effects.crypto.machine_claim_signature import is_signed
from paraduxd.effects.files import bounded
from paraduxd.protocols.base import BlobStore


def stop_if_superseded(outbox: Path, store: BlobStore, present: Collection[str]) -> Machine | None:
    """Raise `ParaduxError` "superseded" when the stash holds a signed machine.asc of a machine that came after this one.

    One that is signed by the key of an epoch that has ended is given back and not obeyed: rotating is what takes the power from old
    shares.

    One that says so without a signature that can be checked here stops this upload ("unknown-machine") and no other: whoever can write to
    one stash must not be able to end all publishing.
    """
    ours = machine_claim.claimed(bounded.content_or_nothing(outbox / machine_claim.NAME))
    if ours is None or machine_claim.NAME not in present:
        return None
    found = _beginning(store)
    theirs = machine_claim.claimed(found)
    if theirs is None or not theirs.overrules(ours.owner, ours.instance, ours.generation):
        return None
    if is_signed(found, theirs, bounded.content_or_nothing(outbox / machine_claim.ENDED_KEYS).decode()):
        return theirs
    if not is_signed(found, theirs, bounded.content_or_nothing(outbox / machine_claim.PUBLIC_KEYS).decode()):
        raise ParaduxError(
            "unknown-machine",
            f"the stash says that another machine has taken over (generation {theirs.generation}), but not with a signature known here",
            f"if there is no such machine, remove {machine_claim.NAME} from the stash",
        )
    raise ParaduxError(
        machine_claim.SUPERSEDED,
        f"another machine has taken over as this owner's Paradux on {theirs.date[:10]} (generation {theirs.generation}),"
        " so this one publishes nothing any more",
        "work with that one; if it is this one that shall go on, move its state directory away and: paraductl recover",
    )


def _beginning(store: BlobStore) -> bytes:
    found = b""
    for piece in store.get(machine_claim.NAME):
        found += piece
        if len(found) > machine_claim.LONGEST:
            break
    return found
