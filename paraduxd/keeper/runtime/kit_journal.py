"""What is known of kits: it stands in the supervisor's journal, and in the vault in case that is lost."""

from __future__ import annotations

from collections.abc import Iterable

from paraduxd.api.errors import ParaduxError
from paraduxd.core.recovery import kits_written
from paraduxd.core.recovery.kit_records import KitRecord
from paraduxd.keeper.runtime.opened import Json
from paraduxd.keeper.runtime.supervisor_link import Control, questions


def record(control: Control, records: Iterable[KitRecord]) -> None:
    """Let the supervisor keep what is known of a kit; it is in the journal when this returns."""
    for each in records:
        questions(control).kit(record=each)


def known(control: Control) -> tuple[KitRecord, ...]:
    """What the journal knows of all kits."""
    return questions(control).kits().kits


def give_back(control: Control, document: Json) -> None:
    """Tell the journal of the kits that the config remembers and it does not."""
    kits = document["managed"].get("kits", [])
    if kits:
        record(control, kits_written.lacking(kits, known(control)))


def remembered(control: Control, document: Json) -> Json:
    """The config with what the journal knows of kits; as it is when there is nothing to remember."""
    before = document["managed"].get("kits", [])
    stewards = {steward["id"] for steward in document["stewards"]}
    try:
        kits = kits_written.remembered(before, known(control), stewards)
    except ParaduxError:  # the journal cannot be read: no reason to refuse a save
        return document
    return document if kits == before else {**document, "managed": {**document["managed"], "kits": kits}}
