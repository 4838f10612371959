"""What follows from a kit: before the first one leaves this machine, and when one was written and read back."""

from __future__ import annotations

from collections.abc import Sequence

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.config import rotate, save
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.opened import Opened
from paraduxd.keeper.runtime.request_context import Note, RequestContext


def before_first(context: RequestContext, opened: Opened) -> Opened:
    """The config with the fact that kits are out. It is saved before the first share leaves: from then on the set of shares must stay."""
    if opened.managed.kits_written:
        return opened
    saved = save.save_managed(context.installation, opened, opened.managed.with_(kits_written=True))
    context.hold(saved.opened)
    save.put_into_effect(context.installation, saved)
    return saved.opened


def written(context: RequestContext, opened: Opened, records: Sequence[KitRecord], note: Note) -> None:
    """The kit was written and read back: it stands in the journal and in the vault, and a rotation that waited for it goes on."""
    kit_journal.record(context.installation.control, records)
    rotate.confirmed(context, opened, records, note)
    try:
        remembering = save.remember_kits(context.installation, context.opened())
    except ParaduxError as problem:
        note(f"the kit is written, but the vault does not remember it yet: {problem.message}")
        return
    if remembering is not context.opened():
        context.hold(remembering)
