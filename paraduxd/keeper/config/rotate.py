"""Replacing the recovery secret: `rotate` begins, kits that are written bring it on, the last one completes it; or the owner cancels.

Every step is one save of the vault, and what follows from it can be done again (`transaction.complete`). Killed at any moment, a rotation
goes on where it was: the confirmed kits stand in the config and in the journal, and every authorization looks whether they are all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.rotations import RotationCancelled, Standing
from paraduxd.core.config.managed import Managed
from paraduxd.core.config.views import exposure
from paraduxd.core.recovery import rotation
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.vault.vault import OpenVault
from paraduxd.keeper.config import generate, save
from paraduxd.keeper.config.save import SavedConfig
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import Note, RequestContext


def rotate(context: RequestContext, note: Note) -> Standing:
    """Begin a rotation; of one that is under way, complete it if it can be, or say what is missing."""
    with context.change() as opened:
        was_under_way = opened.managed.rotation is not None
        saved = advance(context, opened, note) if was_under_way else begin(context.installation, opened)
        runs: tuple[int, ...] = ()
        if saved is not None:
            context.hold(saved.opened)
            runs = save.put_into_effect(context.installation, saved).runs
        return replace(_standing(context, was_under_way=was_under_way), runs=runs)


def rotate_cancel(context: RequestContext) -> RotationCancelled:
    """Give up the rotation that is under way; raises `ParaduxError` "no-rotation"."""
    with context.change() as opened:
        managed = opened.managed
        if managed.rotation is None:
            raise ParaduxError("no-rotation", "no rotation is under way", "begin one: paraductl rotate")
        useless = {*managed.rotation.confirmed} | {record.steward for record in _kits_of_next(context, managed)}
        saved = cancel(context.installation, opened)
        context.hold(saved.opened)
        done = save.put_into_effect(context.installation, saved)
        return RotationCancelled(
            epoch=managed.recovery.epoch,
            cancelled=managed.rotation.recovery.epoch,
            kits_again=tuple(sorted(useless)),
            serial=done.serial,
            runs=done.runs,
        )


def begin(installation: Installation, opened: Opened) -> SavedConfig:
    """A new secret, key pair and set of shares beside the present ones; from now on the config is published under both."""
    managed = opened.managed
    recovery, shares = generate.next_epoch(opened.config, rotation.next_number(managed), installation.memory)
    return save.save_managed(installation, opened, rotation.begun(managed, recovery, shares, generate.now()))


def confirmed(context: RequestContext, opened: Opened, records: Sequence[KitRecord], note: Note) -> None:
    """These kits were written and read back, and the journal knows; the last one completes the rotation. Call it within a change.

    Kits of another epoch than the next one, as of a rotation that was cancelled meanwhile, bring nothing on.
    """
    rotation_now = opened.managed.rotation
    if rotation_now is None:
        return
    epoch = rotation_now.recovery.epoch
    saved = advance(context, opened, note, {record.steward for record in records if record.epoch == epoch})
    if saved is not None:
        save.put_into_effect(context.installation, saved)


def advance(context: RequestContext, opened: Opened, note: Note, holders: Collection[str] = ()) -> SavedConfig | None:
    """Take note of who holds a kit of the next epoch, and let that epoch take over once all do; `None` when nothing has changed.

    `holders` do for certain, of others the journal knows. Call it within a change; the request context holds the result, which still has
    to be put into effect. When the takeover fails it is told, and tried again with the next authorization.
    """
    if opened.managed.rotation is None:
        return None
    saved = _recorded(context, opened, holders)
    if saved is not None:
        opened = saved.opened
        context.hold(opened)
    if rotation.missing(opened.managed):
        return saved
    try:
        saved = commit(context.installation, opened)
    except ParaduxError as problem:
        note(f"every steward has a new kit, but the rotation could not be completed: {problem.message}")
        return saved
    context.hold(saved.opened)
    note(f"every steward has a new kit: epoch {saved.opened.managed.recovery.epoch} is in force now")
    return saved


def _recorded(context: RequestContext, opened: Opened, holders: Collection[str]) -> SavedConfig | None:
    """The config with what is known of the new kits, if that says something new."""
    before = opened.managed
    known = _kits_of_next(context, before)
    good = {record.steward for record in known if record.counts} | {*holders}
    after = rotation.confirmed(before, good, {record.steward for record in known} - good)
    return save.save_managed(context.installation, opened, after) if after != before else None


def _kits_of_next(context: RequestContext, managed: Managed) -> list[KitRecord]:
    """What the journal knows of kits of the next epoch."""
    epoch = rotation.under_way(managed).recovery.epoch
    return [record for record in kit_journal.known(context.installation.control) if record.epoch == epoch]


def commit(installation: Installation, opened: Opened) -> SavedConfig:
    """Let the next epoch take over: the vault gets the new recovery secret and a fresh volume key, and no older copy of it stays."""
    managed = rotation.committed(opened.managed, opened.serial, generate.now())
    secret = managed.recovery.secret.encode()

    def put(vault: OpenVault, document: bytes) -> OpenVault:
        return vault.renew(document, secret)

    return save.save_managed(installation, opened, managed, put)


def cancel(installation: Installation, opened: Opened) -> SavedConfig:
    """Keep the present epoch; what was published under the next one goes."""
    managed = rotation.cancelled(opened.managed, opened.serial, generate.now())
    return save.save_managed(installation, opened, managed)


def _standing(context: RequestContext, *, was_under_way: bool) -> Standing:
    """How far the rotation is, and what the shares that are out could open."""
    opened = context.opened()
    managed = opened.managed
    running = managed.rotation
    states = {(False, True): "begun", (True, True): "under-way"}
    return Standing(
        state=states.get((was_under_way, bool(running)), "completed"),
        serial=opened.serial,
        epoch=managed.recovery.epoch,
        next_epoch=running.recovery.epoch if running else None,
        started=running.started if running else None,
        confirmed=running.confirmed if running else (),
        missing=tuple(rotation.missing(managed)) if running else (),
        shares_required=managed.newest_epoch.shares.threshold,
        exposure=exposure.report(opened.document, managed, context.installation.capabilities),
    )
