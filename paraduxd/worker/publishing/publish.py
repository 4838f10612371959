"""Publishing the outbox to one metadata stash: put, read back from the address that kits carry, compare, tidy.

Every name that is put is one of ours: `paradux-...`, or one that says by what is in it whose it is.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import OldShares, Published
from paraduxd.core.plan.terms import EndedEpoch
from paraduxd.core.recovery import machine_claim, published_config
from paraduxd.core.recovery.machine_claim import Machine
from paraduxd.core.runs.order_arguments import PublishArguments
from paraduxd.core.runs.orders import Order
from paraduxd.effects.files import bounded
from paraduxd.protocols.base import BlobStore, Identity, TransientError
from paraduxd.protocols.marking import marked_store, place_marker
from paraduxd.worker.publishing import succession_check

_KEY_BEGINS, _KEY_ENDS = b"-----BEGIN PGP PRIVATE KEY BLOCK-----", b"-----END PGP PRIVATE KEY BLOCK-----"

MAX_KEY = 64 * 1024
"""Bytes; a key of ours is much shorter."""


def publish(order: Order, store: BlobStore, reader: BlobStore, identity: Identity | None = None) -> Published:
    """Put the note, the keys, who is the owner's machine, and the config, the config last; done only when all read back the same.

    Before, the marker of the place is read, and written where there is none. During a rotation there is a key and a config of either
    epoch. Only then do older configs beyond the ten newest of an epoch go, and all of epochs that have ended. Raises what
    `place_marker.check` raises, "not-mounted" also where an earlier version published something and nothing is; `ParaduxError`
    "other-installation" instead of replacing the recovery key of somebody else, who could not open their configs any more, and
    "superseded" when another machine has taken over.
    """
    told = order.read(PublishArguments)
    epochs, serial = told.epochs, told.serial
    place = marked_store.of_stash(store, identity, order.location)
    place.check()
    outbox = Path(told.outbox)
    contents = _contents(outbox, epochs, serial)
    present = {blob.name for blob in store.list()}
    if told.known_serial and not any(map(published_config.is_ours, present)):
        raise place_marker.not_mounted(place.where)
    old_shares = _old_shares(succession_check.stop_if_superseded(outbox, store, present)) or place.by_old_shares()
    _stop_if_foreign(store, present, contents)
    place.claim()
    for name, content in contents.items():
        _put(store, reader, name, content)
    marked = place.renew(serial)
    for epoch in epochs:
        _remove_old(store, {*present, *contents}, epoch, serial)
    _remove_ended(store, present, told.ended)
    newest = published_config.newest_serial((blob.name for blob in store.list()), epochs[0])
    return Published(serial, epochs[0], epochs, tuple(contents), marked, newest, old_shares)


def _contents(outbox: Path, epochs: Sequence[int], serial: int) -> dict[str, bytes]:
    """What is put, by name, in this order."""
    keys = [published_config.key_name(epoch) for epoch in epochs]
    configs = [published_config.config_name(epoch, serial) for epoch in epochs]
    sent = {name: _from_outbox(outbox / name) for name in (*keys, machine_claim.NAME, *configs)}
    return {published_config.README: published_config.readme(*epochs), **sent}


def _stop_if_foreign(store: BlobStore, present: Collection[str], contents: Mapping[str, bytes]) -> None:
    """Raise when something lies there, under a name that is about to be put, that is somebody else's."""
    for key in filter(published_config.is_key_name, present & contents.keys()):
        if _is_another_key(b"".join(_at_most(store, key, 2 * len(contents[key]))), contents[key]):
            raise _other_installation(key)
    if machine_claim.NAME in present:
        theirs = machine_claim.claimed(b"".join(_at_most(store, machine_claim.NAME, machine_claim.LONGEST)))
        ours = machine_claim.claimed(contents[machine_claim.NAME])
        if theirs and ours and theirs.owner != ours.owner:
            raise _other_installation(machine_claim.NAME)


def _old_shares(found: Machine | None) -> OldShares | None:
    return OldShares(found.generation, found.date) if found else None


def _remove_old(store: BlobStore, names: set[str], epoch: int, serial: int) -> None:
    for name in published_config.superseded(names, (epoch, serial)):
        store.delete(name)


def _remove_ended(store: BlobStore, present: set[str], ended: Sequence[EndedEpoch]) -> None:
    """Remove the objects of epochs that were replaced or cancelled, the key last, so that a removal that was cut off goes on.

    What lies there with another key is somebody else's and stays.
    """
    for past in ended:
        key = published_config.key_name(past.epoch)
        if key in present and published_config.key_hash(b"".join(_at_most(store, key, MAX_KEY))) == past.key_sha256:
            for name in published_config.of_epoch(present, past.epoch):
                store.delete(name)


def _from_outbox(path: Path) -> bytes:
    """Raises `ParaduxError` "nothing-to-publish" also for what was emptied: it must not take the place of what is published."""
    content = b""
    with contextlib.suppress(FileNotFoundError):
        content = bounded.content(path)
    if content.strip(b"\0"):
        return content
    raise ParaduxError(
        "nothing-to-publish", f"{path.name} is not in the outbox, or is empty", "write it again: paraductl unlock"
    )


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


def _other_installation(name: str) -> ParaduxError:
    return ParaduxError(
        "other-installation",
        f"the stash belongs to another installation ({name} is another owner's), and was left as it is",
        "give this one a folder of its own with paraductl edit; if nobody needs what is there, move it away",
    )
