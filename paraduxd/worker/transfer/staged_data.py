"""Where the data of a dataset lie on this machine: below its staging directory, or in the source itself when it is pushed in place."""

from __future__ import annotations

from pathlib import Path

from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import staging
from paraduxd.effects.files.staging import Staging

READY = "data"
"""The argument of an order with what `made_ready` has found; "" for nothing."""


def made_ready(order: Order) -> Order:
    """The order with the directory that its step works on, made or brought into form: a worker that is shut in could not do it any more."""
    if order.step == Step.PULL:
        found: Path | None = to_pull_into(order)
    elif order.step == Step.PUSH or (order.step in (Step.RESTORE, Step.LIST) and order.location == "staging"):
        found = to_read(order)
    elif order.step == Step.REHEARSE:
        found = to_compare_with(order)
    else:
        return order
    return order.told(**{READY: str(found or "")})


def to_pull_into(order: Order) -> Path:
    """The directory that becomes equal to the source; made if it is missing."""
    if ready := order.arguments.get(READY):
        return Path(str(ready))
    return Path(order.staging) if order.in_place else staging.prepared(_staging(order))


def to_read(order: Order) -> Path:
    """The directory that is pushed or restored from. Raises `ParaduxError` "no-staging" when there is none."""
    if ready := order.arguments.get(READY):
        return Path(str(ready))
    return Path(order.staging) if order.in_place else staging.filled(_staging(order))


def to_compare_with(order: Order) -> Path | None:
    """The directory that a version may be compared with, if there is one; nothing is made or moved."""
    if (ready := order.arguments.get(READY)) is not None:
        return Path(str(ready)) if ready else None
    if not order.staging:
        return None
    return Path(order.staging) if order.in_place else staging.found(_staging(order))


def _staging(order: Order) -> Staging:
    return Staging(Path(order.staging), order.staging_uid, order.pulled)
