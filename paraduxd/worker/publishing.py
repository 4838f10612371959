"""Publishing the outbox to one metadata stash: put, read back from the address that kits carry, compare, tidy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core import published
from paraduxd.core.orders import Order
from paraduxd.protocols.base import BlobStore, TransientError

_KEY_BEGINS, _KEY_ENDS = b"-----BEGIN PGP PRIVATE KEY BLOCK-----", b"-----END PGP PRIVATE KEY BLOCK-----"


def publish(order: Order, store: BlobStore, reader: BlobStore) -> dict[str, Any]:
    """Put the note, the key and the config, the config last; done only when all read back the same.

    Older configs beyond the ten newest go once the new one is proven. Raises `ParaduxError` "other-installation" instead of
    replacing the recovery key of somebody else, who could not open their configs any more.
    """
    epoch, serial = int(order.arguments["epoch"]), int(order.arguments["serial"])
    key = published.key_name(epoch)
    names = (published.README, key, published.config_name(epoch, serial))
    contents = {name: _from_outbox(Path(order.arguments["outbox"]) / name) for name in names}
    present = {blob.name for blob in store.list()}
    if key in present and _is_another_key(b"".join(_at_most(store, key, 2 * len(contents[key]))), contents[key]):
        raise _other_installation(key)
    for name in names:
        _put(store, reader, name, contents[name])
    for name in published.superseded({*present, *names}, (epoch, serial)):
        store.delete(name)
    return {"serial": serial, "epoch": epoch, "objects": list(names)}


def _from_outbox(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ParaduxError(
            "nothing-to-publish", "the encrypted config is not in the outbox", "write it again: paraductl unlock"
        ) from None


def _put(store: BlobStore, reader: BlobStore, name: str, content: bytes) -> None:
    store.put(name, io.BytesIO(content))
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


def _at_most(store: BlobStore, name: str, size: int) -> list[bytes]:
    """The pieces of an object until `size` bytes have come."""
    pieces: list[bytes] = []
    for piece in store.get(name):
        pieces.append(piece)
        size -= len(piece)
        if size < 0:
            break
    return pieces


def _is_another_key(found: bytes, ours: bytes) -> bool:
    """Whether this is somebody's whole private key that is not ours; half of one, or one with other line ends, is mended."""
    whole = _KEY_BEGINS in found and _KEY_ENDS in found
    return whole and found.split() != ours.split()


def _other_installation(key: str) -> ParaduxError:
    return ParaduxError(
        "other-installation",
        f"the stash holds the recovery key of another installation ({key}), which was left as it is",
        "give this one a folder of its own with paraductl edit; if nobody needs what is there, move it away",
    )
