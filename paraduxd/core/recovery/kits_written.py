"""The kits that were written, as the config in the vault remembers them (`managed.kits`): what a journal that was lost gets back.

Kept in the vault only. The published copies do not say where kits are, so that a new kit makes none of them outdated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from paraduxd.core.recovery.kit_records import KitRecord

Json = dict[str, Any]

_LONGEST = 200
"""Characters of what a stick says of itself."""


def remembered(before: Iterable[Json], records: Iterable[KitRecord], stewards: Collection[str]) -> list[Json]:
    """`managed.kits` after what the journal knows: kits that count, of these stewards; void and damaged ones are forgotten."""
    kits = {(kit["steward"], kit["epoch"]): kit for kit in before}
    for record in records:
        key = (record.steward, record.epoch)
        if not record.counts:
            kits.pop(key, None)
        elif record.written and record.serial and record.kit_sha256 and not _is_older(record, kits.get(key)):
            kits[key] = _entry(record)
    return [kits[key] for key in sorted(kits) if key[0] in stewards]


def lacking(kits: Iterable[Json], records: Iterable[KitRecord]) -> list[KitRecord]:
    """What the journal should be told: kits of which it knows nothing, or only an older one."""
    known = {(record.steward, record.epoch): record for record in records}
    found = []
    for kit in kits:
        record = known.get((kit["steward"], kit["epoch"]))
        if record is None or _is_newer(kit, record):
            found.append(KitRecord(**kit, last_seen=kit["written"]))
    return found


def without(document: Json) -> Json:
    """The config as it is published."""
    managed = {name: value for name, value in document["managed"].items() if name != "kits"}
    return {**document, "managed": managed}


def _is_older(record: KitRecord, kit: Json | None) -> bool:
    return kit is not None and str(record.written) < kit["written"]


def _is_newer(kit: Json, record: KitRecord) -> bool:
    return bool(kit["written"] > (record.written or ""))


def _entry(record: KitRecord) -> Json:
    return {
        "steward": record.steward,
        "epoch": record.epoch,
        "serial": record.serial,
        "written": record.written,
        "device_serial": _line(record.device_serial),
        "uuid": _line(record.uuid),
        "kit_sha256": record.kit_sha256,
    }


def _line(text: str | None) -> str | None:
    """What a stick says of itself, if the config can hold it."""
    return text if text is not None and text.isprintable() and len(text) <= _LONGEST else None
