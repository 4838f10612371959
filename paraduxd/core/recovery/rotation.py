"""Replacing the recovery secret: what becomes of the `managed` part of the config from beginning to end.

A rotation has two phases. While it is under way the present epoch stays in force, and the next one waits beside it in `managed.rotation`:
everything is published under both. It ends when every steward has a kit of the next epoch (`committed`), or when the owner gives
it up (`cancelled`). Both leave a note of the epoch that ended (`managed.past_epochs`); no number is ever used twice.

Pure: the managed part comes in and a new one goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from paraduxd.core.config.managed import (
    EpochPart,
    Managed,
    PastEpoch,
    Recovery,
    Rotation,
    Shares,
    managed_of,
    with_managed,
)
from paraduxd.core.recovery import kits_written
from paraduxd.core.recovery.published_config import key_hash


def next_number(managed: Managed) -> int:
    """The number of an epoch that was never begun."""
    return max(managed.highest_epoch, *epochs(managed)) + 1


def epochs(managed: Managed) -> tuple[int, ...]:
    """The epochs that open what is published now: the one in force, then the next one."""
    return tuple(part.recovery.epoch for part in managed.parts)


def begun(managed: Managed, recovery: Recovery, shares: Shares, now: str) -> Managed:
    """With the next epoch beside the present one; `now` in RFC 3339."""
    rotation = Rotation(recovery=recovery, shares=shares, started=now, confirmed=())
    return managed.with_(rotation=rotation, highest_epoch=recovery.epoch)


def under_way(managed: Managed) -> Rotation:
    """The rotation, which must be under way."""
    if managed.rotation is None:
        raise ValueError("no rotation is under way")
    return managed.rotation


def confirmed(managed: Managed, holders: Iterable[str], void: Iterable[str] = ()) -> Managed:
    """With these stewards as holders of a kit of the next epoch, and `void` as holders of none; others stay what they were."""
    rotation = under_way(managed)
    standing = {*rotation.confirmed} - {*void} | {*holders}
    names = tuple(steward for steward in rotation.shares.issued if steward in standing)
    return managed.with_(rotation=rotation.model_copy(update={"confirmed": names}))


def missing(managed: Managed) -> tuple[str, ...]:
    """The stewards whose kit of the next epoch is not confirmed; empty: the rotation can be committed. One must be under way."""
    rotation = under_way(managed)
    return tuple(steward for steward in rotation.shares.issued if steward not in rotation.confirmed)


def committed(managed: Managed, serial: int, now: str) -> Managed:
    """With the next epoch in force. `serial`: of the last config that the present one opens."""
    rotation = under_way(managed)
    past = _past(managed, _holders(managed.shares), serial, now)
    return _ended(managed, past).with_(recovery=rotation.recovery, shares=rotation.shares)


def cancelled(managed: Managed, serial: int, now: str) -> Managed:
    """Without the next epoch, as if the present one had never been about to end."""
    rotation = under_way(managed)
    former = (each.steward for each in rotation.shares.former)
    past = _past(rotation, (*rotation.confirmed, *former), serial, now)
    return _ended(managed, past.model_copy(update={"cancelled": True}))


def published_under(document: Mapping[str, object], epoch: int, serial: int) -> Mapping[str, object]:
    """What of the config, which has this serial, is published under this epoch.

    The present epoch does not get to see the next one: who opens a copy with old shares must learn nothing that opens newer ones.
    Their copy is the config as it is if the rotation is cancelled, so that a machine recovered from it begins a new one.
    """
    managed = kits_written.without(managed_of(document))
    if managed.rotation is not None and epoch == managed.recovery.epoch:
        managed = cancelled(managed, serial, managed.rotation.started)
    return with_managed(document, managed)


def _ended(managed: Managed, past: PastEpoch) -> Managed:
    return managed.with_(
        rotation=None,
        highest_epoch=max(managed.highest_epoch, *epochs(managed)),
        past_epochs=(*managed.past_epochs, past),
    )


def _past(part: EpochPart, holders: Iterable[str], serial: int, now: str) -> PastEpoch:
    """The note of an epoch that ends."""
    return PastEpoch(
        epoch=part.recovery.epoch,
        ended=now,
        serial=serial,
        threshold=part.shares.threshold,
        holders=tuple(dict.fromkeys(holders)),
        key_sha256=key_hash(part.recovery.private_key.encode()),
        public_key=part.recovery.public_key,
    )


def _holders(shares: Shares) -> tuple[str, ...]:
    """Who has, or had, a share of the set."""
    return (*shares.issued, *(former.steward for former in shares.former))
