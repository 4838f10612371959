"""What follows from a kit: before the first one leaves this machine, and when one was written and read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paraduxd.core.kits import KitRecord
from paraduxd.core.plain import from_plain, to_plain
from paraduxd.keeper import rotating, transaction
from paraduxd.keeper.control import Control
from paraduxd.keeper.desk import Desk, Note
from paraduxd.keeper.session import Opened


def record(control: Control, records: Iterable[KitRecord]) -> None:
    """Let the supervisor keep what is known of a kit; it is in the journal when this returns."""
    for each in records:
        control.ask("kit", record=to_plain(each))


def known(control: Control) -> tuple[KitRecord, ...]:
    """What the journal knows of all kits."""
    return tuple(from_plain(KitRecord, plain) for plain in control.ask("kits")["kits"])


def before_first(desk: Desk, opened: Opened) -> Opened:
    """The config with the fact that kits are out. It is saved before the first share leaves: from then on the set of shares must stay."""
    managed = opened.document["managed"]
    if managed.get("kits_written"):
        return opened
    saved = transaction.save_managed(desk.keeping, opened, {**managed, "kits_written": True})
    desk.hold(saved.opened)
    transaction.put_into_effect(desk.keeping, saved)
    return saved.opened


def written(desk: Desk, opened: Opened, records: Sequence[KitRecord], note: Note) -> None:
    """The kit was written and read back: it stands in the journal, and a rotation that waited for it goes on."""
    record(desk.keeping.control, records)
    rotating.confirmed(desk, opened, records, note)
