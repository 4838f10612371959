"""The kits that were written, as the config in the vault remembers them (`managed.kits`): what a journal that was lost gets back.

Kept in the vault only. The published copies do not say where kits are, so that a new kit makes none of them outdated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pydantic import ValidationError

from paraduxd.core.config.managed import KitWritten, Managed
from paraduxd.core.recovery.kit_records import KitRecord

_LONGEST = 200
"""Characters of what a stick says of itself."""


def remembered(
    before: Iterable[KitWritten], records: Iterable[KitRecord], stewards: Collection[str]
) -> tuple[KitWritten, ...]:
    """`managed.kits` after what the journal knows: kits that count, of these stewards; void and damaged ones are forgotten."""
    kits = {(kit.steward, kit.epoch): kit for kit in before}
    for record in records:
        key = (record.steward, record.epoch)
        if not record.counts:
            kits.pop(key, None)
        elif (entry := _entry(record)) and not _is_older(record, kits.get(key)):
            kits[key] = entry
    return tuple(kits[key] for key in sorted(kits) if key[0] in stewards)


def lacking(kits: Iterable[KitWritten], records: Iterable[KitRecord]) -> list[KitRecord]:
    """What the journal should be told: kits of which it knows nothing, or only an older one."""
    known = {(record.steward, record.epoch): record for record in records}
    found = []
    for kit in kits:
        record = known.get((kit.steward, kit.epoch))
        if record is None or kit.written > (record.written or ""):
            found.append(_record(kit))
    return found


def without(managed: Managed) -> Managed:
    """What is published."""
    return Managed.model_construct(
        managed.model_fields_set - {"kits"},
        **{name: getattr(managed, name) for name in Managed.model_fields if name != "kits"},
        kits=(),
    )


def _is_older(record: KitRecord, kit: KitWritten | None) -> bool:
    return kit is not None and str(record.written) < kit.written


def _record(kit: KitWritten) -> KitRecord:
    return KitRecord(
        kit.steward,
        kit.epoch,
        kit.serial,
        kit.written,
        last_seen=kit.written,
        device_serial=kit.device_serial,
        uuid=kit.uuid,
        kit_sha256=kit.kit_sha256,
        reads=kit.reads,
    )


def _entry(record: KitRecord) -> KitWritten | None:
    """What the config can hold of it; nothing of a record that lacks something, or has what no config may have."""
    fields = {
        "steward": record.steward,
        "epoch": record.epoch,
        "serial": record.serial,
        "written": record.written,
        "device_serial": _line(record.device_serial),
        "uuid": _line(record.uuid),
        "kit_sha256": record.kit_sha256,
        "reads": record.reads,
    }
    try:
        return KitWritten.model_validate(fields)
    except ValidationError:
        return None


def _line(text: str | None) -> str | None:
    """What a stick says of itself, if the config can hold it."""
    return text if text is not None and text.isprintable() and len(text) <= _LONGEST else None
