"""What follows from a kit: before the first one leaves this machine, and when one was written and read back."""

from __future__ import annotations

from collections.abc import Sequence

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.config import rotate, save
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import Desk, Note


def before_first(desk: Desk, opened: Opened) -> Opened:
    """The config with the fact that kits are out. It is saved before the first share leaves: from then on the set of shares must stay."""
    managed = opened.document["managed"]
    if managed.get("kits_written"):
        return opened
    saved = save.save_managed(desk.keeping, opened, {**managed, "kits_written": True})
    desk.hold(saved.opened)
    save.put_into_effect(desk.keeping, saved)
    return saved.opened


def written(desk: Desk, opened: Opened, records: Sequence[KitRecord], note: Note) -> None:
    """The kit was written and read back: it stands in the journal and in the vault, and a rotation that waited for it goes on."""
    kit_journal.record(desk.keeping.control, records)
    rotate.confirmed(desk, opened, records, note)
    try:
        remembering = save.remember_kits(desk.keeping, desk.opened())
    except ParaduxError as problem:
        note(f"the kit is written, but the vault does not remember it yet: {problem.message}")
        return
    if remembering is not desk.opened():
        desk.hold(remembering)
