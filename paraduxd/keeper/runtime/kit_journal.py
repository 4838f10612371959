"""What is known of kits: it stands in the supervisor's journal, and in the vault in case that is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.managed import Managed
from paraduxd.core.recovery import kits_written
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.runtime.supervisor_link import Control, questions


def record(control: Control, records: Iterable[KitRecord]) -> None:
    """Let the supervisor keep what is known of a kit; it is in the journal when this returns."""
    for each in records:
        questions(control).kit(record=each)


def known(control: Control) -> tuple[KitRecord, ...]:
    """What the journal knows of all kits."""
    return questions(control).kits().kits


def unwatched(control: Control) -> str:
    """Why sticks that are plugged in now are not noticed, if so."""
    return questions(control).kits().unwatched


def give_back(control: Control, managed: Managed) -> None:
    """Tell the journal of the kits that the config remembers and it does not."""
    if managed.kits:
        record(control, kits_written.lacking(managed.kits, known(control)))


def remembered(control: Control, managed: Managed, stewards: Collection[str]) -> Managed:
    """`managed` with what the journal knows of kits of these stewards; as it is when there is nothing to remember."""
    try:
        kits = kits_written.remembered(managed.kits, known(control), stewards)
    except ParaduxError:  # the journal cannot be read: no reason to refuse a save
        return managed
    return managed if kits == managed.kits else managed.with_(kits=kits)
