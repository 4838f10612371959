"""The calls that write kits: into a folder by the client's hand, or onto sticks by the daemon's (`arming.py`)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.kits import Arming as ArmingReply
from paraduxd.api.replies.kits import KitConfirmed, KitFiles
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.core.recovery.kit_records import of_epoch
from paraduxd.keeper.kits import confirm
from paraduxd.keeper.kits.arming import ArmedStewards, StandingContext
from paraduxd.keeper.kits.make import kit_epoch, make_kit, steward_name
from paraduxd.keeper.kits.pending_kits import HandedOut, KitState
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.request_context import Note, RequestContext


def kits_directory(context: RequestContext, steward: str) -> KitFiles:
    """One steward's kit for the client to write; it counts once `kits_confirm` has said that it was read back."""
    with context.change() as opened:
        steward_name(opened.config, steward)
        kit = make_kit(context.installation, confirm.before_first(context, opened), steward)
    context.session.kept.of(KitState).handed_out[steward] = HandedOut(kit.sha256, kit.epochs[0], tuple(kit.records()))
    files = {name: base64.b64encode(content).decode() for name, content in kit.files.items()}
    return KitFiles(kit.steward, kit.name, kit.epochs[0], kit.serial, kit.sha256, files)


def kits_confirm(context: RequestContext, note: Note, steward: str, sha256: str) -> KitConfirmed:
    """The client has written this very kit and read it back."""
    handed = context.session.kept.of(KitState).handed_out.get(steward)
    if handed is None or handed.sha256 != sha256:
        raise ParaduxError(
            "unknown-kit",
            "the kit that was written is not the one that was last made for this steward",
            "write it again: paraductl create-steward-device",
        )
    with context.change() as opened:
        confirm.written(context, opened, handed.records, note)
    context.session.kept.of(KitState).handed_out.pop(steward, None)
    return KitConfirmed(steward, handed.epoch)


def kits_arm(
    context: RequestContext, note: Note, stewards: Sequence[object], *, erase: bool, device: str | None, wait: bool
) -> ArmingReply:
    """Wait for sticks, in the order of the stewards; without any, those who have no current kit. `device` is written to at once.

    What waits does so until it is done, another call takes its place, or the keeper ends; whoever waits for it may go.
    """
    names = _wanted(context, stewards)
    if not names:
        return ArmingReply()
    with context.change() as opened:
        confirm.before_first(context, opened)
    sticks = context.session.kept.of(KitState).sticks
    if sticks is None:
        raise ParaduxError("no-sticks", "this daemon takes no sticks", "write into a folder: --directory DIR")
    if device is None and (why := kit_journal.unwatched(context.installation.control)):
        raise ParaduxError("no-sticks", f"a stick would not be noticed: {why}", "write into a folder: --directory DIR")
    arming = ArmedStewards(_standing(context), sticks.tools, names, erase, device is not None, [note])
    _replace(context.session.kept.of(KitState), arming)
    if device is not None:
        sticks.plugged_in(PluggedIn(device))
    else:
        arming.ask_for_next()
    if wait or device is not None:
        arming.wait()
    return ArmingReply(tuple(arming.written), tuple(arming.waiting), context.session.until(arming.context.visit))


def _wanted(context: RequestContext, untrusted_stewards: Sequence[object]) -> dict[str, str]:
    """Id -> name of those whose kits shall be written."""
    opened = context.opened()
    if untrusted_stewards:
        if not all(type(name) is str for name in untrusted_stewards):
            raise ParaduxError("bad-request", "stewards must be a list of names")
        names = [str(name) for name in untrusted_stewards]
        return {name: steward_name(opened.config, name) for name in names}
    holders = of_epoch(kit_journal.known(context.installation.control), kit_epoch(opened.managed))
    return {steward.id: steward.name for steward in opened.config.stewards if steward.id not in holders}


def _standing(context: RequestContext) -> StandingContext:
    return StandingContext(context.peer, context.session.stay_for(context.visit), context.session, context.installation)


def _replace(kits: KitState, arming: ArmedStewards) -> None:
    """Let this one wait for sticks, and no other one any more."""
    with kits.lock:
        before, kits.arming = kits.arming, arming
    if before is not None:
        before.end(
            ParaduxError("replaced", "another command waits for sticks now", "see who has a kit: paraductl stewards")
        )
