"""Whose place it is that a worker opens."""

from __future__ import annotations

from pathlib import Path

from paraduxd.core.recovery import machine_claim
from paraduxd.core.runs.order_arguments import Reach
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import bounded
from paraduxd.protocols.base import Identity


def of_place(order: Order) -> Identity | None:
    """Whose place it is (`None`: nobody says), with what the outbox says of this machine."""
    given = order.read(Reach).identity
    if given is None:
        return None
    outbox = Path(given.outbox)
    return Identity(
        owner=given.owner,
        place=given.place,
        instance=given.instance,
        generation=given.generation,
        claim=_text_of(outbox / machine_claim.NAME),
        keys=_text_of(outbox / machine_claim.PUBLIC_KEYS),
        marked=given.marked,
        formerly=given.formerly,
        beside=given.beside,
        ended=_text_of(outbox / machine_claim.ENDED_KEYS),
    )


def _text_of(path: Path) -> str:
    """A file of the outbox; "" when an earlier version has not written it."""
    try:
        return bounded.text(path)
    except FileNotFoundError:
        return ""
