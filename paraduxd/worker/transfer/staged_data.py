"""Where the data of a dataset lie on this machine: below its staging directory, or in the source itself when it is pushed in place."""

from __future__ import annotations

from pathlib import Path

from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import staging
from paraduxd.effects.files.staging import Staging


def to_pull_into(order: Order) -> Path:
    """The directory that becomes equal to the source; made if it is missing."""
    return Path(order.staging) if order.in_place else staging.prepared(_staging(order))


def to_read(order: Order) -> Path:
    """The directory that is pushed or restored from. Raises `ParaduxError` "no-staging" when there is none."""
    return Path(order.staging) if order.in_place else staging.filled(_staging(order))


def to_compare_with(order: Order) -> Path | None:
    """The directory that a version may be compared with, if there is one; nothing is made or moved."""
    if not order.staging:
        return None
    return Path(order.staging) if order.in_place else staging.found(_staging(order))


def _staging(order: Order) -> Staging:
    return Staging(Path(order.staging), order.staging_uid, order.pulled)
