"""Publishing the outbox to one metadata stash: put, read back from the address that kits carry, compare, tidy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import published
from paraduxd.core.orders import Order
from paraduxd.protocols.base import BlobStore, TransientError


def publish(order: Order, store: BlobStore, reader: BlobStore) -> dict[str, Any]:
    """Put the note, the key and the config, the config last; done only when all read back the same.

    Older configs beyond the ten newest go once the new one is proven.
    """
    epoch, serial = int(order.arguments["epoch"]), int(order.arguments["serial"])
    names = (published.README, published.key_name(epoch), published.config_name(epoch, serial))
    outbox = Path(order.arguments["outbox"])
    for name in names:
        _put(store, reader, name, outbox / name)
    for name in published.superseded(blob.name for blob in store.list()):
        store.delete(name)
    return {"serial": serial, "epoch": epoch, "objects": list(names)}


def _put(store: BlobStore, reader: BlobStore, name: str, path: Path) -> None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ParaduxError(
            "nothing-to-publish", "the encrypted config is not in the outbox", "write it again: paraductl unlock"
        ) from None
    with path.open("rb") as data:
        store.put(name, data)
    if not _same(reader, name, content):
        raise TransientError(
            "not-read-back",
            f"{name} was sent, but what the stash gives back is not the same",
            "see whether the address kits read from is the one that is written to",
        )


def _same(reader: BlobStore, name: str, content: bytes) -> bool:
    """Whether the stash gives back exactly `content`; stops reading as soon as it does not."""
    position = 0
    try:
        for piece in reader.get(name):
            if content[position : position + len(piece)] != piece:
                return False
            position += len(piece)
    except ParaduxError as problem:
        if problem.code != "not-found":
            raise
        return False
    return position == len(content)
