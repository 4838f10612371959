"""Fetching what a metadata stash holds for a recovery. Nothing is written there, and nothing is believed: the keeper checks signatures."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from paraduxd.core import machine, published
from paraduxd.core.orders import Order
from paraduxd.protocols.base import Blob, BlobStore

NEWEST = 2
"""Configs of each epoch: when the newest cannot be opened, the one before it may."""

LONGEST_CONFIG = 10 * 1024 * 1024
"""Bytes; the vault takes no more than 8 MiB of text."""


def fetch(order: Order, store: BlobStore) -> dict[str, Any]:
    """The newest configs of the epochs that are asked for, and machine.asc, in base64, and the highest serial in a name."""
    blobs = {blob.name: blob for blob in store.list()}
    serials = [parsed[1] for name in blobs if (parsed := published.parse_config_name(name))]
    wanted = _newest(blobs.values(), {int(epoch) for epoch in order.arguments["epochs"]})
    configs = [{"name": name, "data": _base64(store, name)} for name in wanted]
    has_machine = machine.NAME in blobs and blobs[machine.NAME].size <= machine.LONGEST
    present = _base64(store, machine.NAME) if has_machine else None
    return {"configs": configs, "machine": present, "highest_serial": max(serials, default=0)}


def _newest(blobs: Iterable[Blob], epochs: set[int]) -> list[str]:
    by_epoch: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for blob in blobs:
        parsed = published.parse_config_name(blob.name)
        if parsed and parsed[0] in epochs and blob.size <= LONGEST_CONFIG:
            by_epoch[parsed[0]].append((parsed[1], blob.name))
    return [name for found in by_epoch.values() for _, name in sorted(found, reverse=True)[:NEWEST]]


def _base64(store: BlobStore, name: str) -> str:
    return base64.b64encode(b"".join(store.get(name))).decode()
