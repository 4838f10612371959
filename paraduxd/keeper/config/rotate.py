"""Replacing the recovery secret: `rotate` begins, kits that are written bring it on, the last one completes it; or the owner cancels.

Every step is one save of the vault, and what follows from it can be done again (`transaction.complete`). Killed at any moment, a rotation
goes on where it was: the confirmed kits stand in the config and in the journal, and every authorization looks whether they are all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.views import exposure
from paraduxd.core.primitives.dataclass_json import from_plain
from paraduxd.core.recovery import rotation
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.effects.vault.vault import OpenVault
from paraduxd.keeper.config import generate, save
from paraduxd.keeper.config.save import Saved
from paraduxd.keeper.runtime.installation import Keeping
from paraduxd.keeper.runtime.opened import Json, Opened
from paraduxd.keeper.runtime.request_context import Desk, Handler, Note, Reply


def rotate(desk: Desk, note: Note) -> Reply:
    """Begin a rotation; of one that is under way, complete it if it can be, or say what is missing."""
    with desk.change() as opened:
        was_under_way = bool(opened.document["managed"].get("rotation"))
        saved = advance(desk, opened, note) if was_under_way else begin(desk.keeping, opened)
        runs = []
        if saved is not None:
            desk.hold(saved.opened)
            runs = save.put_into_effect(desk.keeping, saved)["runs"]
        return {**_standing(desk, was_under_way=was_under_way), "runs": runs}


def rotate_cancel(desk: Desk, note: Note) -> Reply:
    """Give up the rotation that is under way; raises `ParaduxError` "no-rotation"."""
    with desk.change() as opened:
        managed = opened.document["managed"]
        if not managed.get("rotation"):
            raise ParaduxError("no-rotation", "no rotation is under way", "begin one: paraductl rotate")
        useless = {*managed["rotation"]["confirmed"]} | {record.steward for record in _kits_of_next(desk, managed)}
        saved = cancel(desk.keeping, opened)
        desk.hold(saved.opened)
        done = save.put_into_effect(desk.keeping, saved)
        return {
            "epoch": managed["recovery"]["epoch"],
            "cancelled": managed["rotation"]["recovery"]["epoch"],
            "kits_again": sorted(useless),
            "serial": done["serial"],
            "runs": done["runs"],
        }


def begin(keeping: Keeping, opened: Opened) -> Saved:
    """A new secret, key pair and set of shares beside the present ones; from now on the config is published under both."""
    managed = opened.document["managed"]
    recovery, shares = generate.next_epoch(opened.document, rotation.next_number(managed), keeping.memory)
    return save.save_managed(keeping, opened, rotation.begun(managed, recovery, shares, generate.now()))


def confirmed(desk: Desk, opened: Opened, records: Sequence[KitRecord], note: Note) -> None:
    """These kits were written and read back, and the journal knows; the last one completes the rotation. Call it within a change.

    Kits of another epoch than the next one, as of a rotation that was cancelled meanwhile, bring nothing on.
    """
    managed = opened.document["managed"]
    if not managed.get("rotation"):
        return
    epoch = managed["rotation"]["recovery"]["epoch"]
    saved = advance(desk, opened, note, {record.steward for record in records if record.epoch == epoch})
    if saved is not None:
        save.put_into_effect(desk.keeping, saved)


def advance(desk: Desk, opened: Opened, note: Note, holders: Collection[str] = ()) -> Saved | None:
    """Take note of who holds a kit of the next epoch, and let that epoch take over once all do; `None` when nothing has changed.

    `holders` do for certain, of others the journal knows. Call it within a change; the desk holds the result, which still has
    to be put into effect. When the takeover fails it is told, and tried again with the next authorization.
    """
    managed = opened.document["managed"]
    if not managed.get("rotation"):
        return None
    saved = _recorded(desk, opened, holders)
    if saved is not None:
        opened = saved.opened
        desk.hold(opened)
    if rotation.missing(opened.document["managed"]):
        return saved
    try:
        saved = commit(desk.keeping, opened)
    except ParaduxError as problem:
        note(f"every steward has a new kit, but the rotation could not be completed: {problem.message}")
        return saved
    desk.hold(saved.opened)
    note(f"every steward has a new kit: epoch {saved.opened.document['managed']['recovery']['epoch']} is in force now")
    return saved


def _recorded(desk: Desk, opened: Opened, holders: Collection[str]) -> Saved | None:
    """The config with what is known of the new kits, if that says something new."""
    before = opened.document["managed"]
    known = _kits_of_next(desk, before)
    good = {record.steward for record in known if record.counts} | {*holders}
    after = rotation.confirmed(before, good, {record.steward for record in known} - good)
    return save.save_managed(desk.keeping, opened, after) if after != before else None


def _kits_of_next(desk: Desk, managed: Json) -> list[KitRecord]:
    """What the journal knows of kits of the next epoch."""
    epoch = managed["rotation"]["recovery"]["epoch"]
    known = (from_plain(KitRecord, plain) for plain in desk.keeping.control.ask("kits")["kits"])
    return [record for record in known if record.epoch == epoch]


def commit(keeping: Keeping, opened: Opened) -> Saved:
    """Let the next epoch take over: the vault gets the new recovery secret and a fresh volume key, and no older copy of it stays."""
    managed = rotation.committed(opened.document["managed"], opened.document["serial"], generate.now())
    secret = managed["recovery"]["secret"].encode()

    def put(vault: OpenVault, document: bytes) -> OpenVault:
        return vault.renew(document, secret)

    return save.save_managed(keeping, opened, managed, put)


def cancel(keeping: Keeping, opened: Opened) -> Saved:
    """Keep the present epoch; what was published under the next one goes."""
    managed = rotation.cancelled(opened.document["managed"], opened.document["serial"], generate.now())
    return save.save_managed(keeping, opened, managed)


def _standing(desk: Desk, *, was_under_way: bool) -> dict[str, Any]:
    """How far the rotation is, and what the shares that are out could open."""
    document = desk.opened().document
    managed = document["managed"]
    running = managed.get("rotation")
    states = {(False, True): "begun", (True, True): "under-way"}
    return {
        "state": states.get((was_under_way, bool(running)), "completed"),
        "serial": document["serial"],
        "epoch": managed["recovery"]["epoch"],
        "next_epoch": running["recovery"]["epoch"] if running else None,
        "started": running["started"] if running else None,
        "confirmed": list(running["confirmed"]) if running else [],
        "missing": list(rotation.missing(managed)) if running else [],
        "shares_required": rotation.parts(managed)[-1]["shares"]["threshold"],
        "exposure": exposure.report(document, desk.keeping.shapes),
    }


HANDLERS: Mapping[str, Handler] = {"rotate": rotate, "rotate_cancel": rotate_cancel}
